// SPDX-License-Identifier: Apache-2.0
// The ban tables in plain memory, for tests and benchmarks: what the loader maps from the kernel, here from vectors.
#pragma once

#include <array>
#include <random>
#include <vector>

#include "dataplane/ban/memory.h"

namespace gabion::ban::testing {

inline gabion_hash_key random_hash_key(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    gabion_hash_key key{};
    key.add = random();
    for (auto& multiply : key.multiply)
        multiply = random();
    key.finish = random() | 1;
    return key;
}

struct HostSizes {
    std::size_t exact4 = 256;  // buckets of each set
    std::size_t exact6 = 256;
    std::size_t prefix4 = 64;
    std::size_t prefix6 = 64;
    std::size_t bloom_words = 1024;  // of a generation
};

class HostMemory {
public:
    explicit HostMemory(HostSizes sizes = {}, std::uint64_t seed = 1)
        : allow_bloom_(2 * sizes.bloom_words),
          known_bloom_(2 * sizes.bloom_words),
          dest_table_(32),
          destinations_(GABION_DESTINATIONS_MAX) {
        control_.abi_version = GABION_ABI_VERSION;
        control_.hash = random_hash_key(seed);
        for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
            SetArrays& set = sets_[i];
            set.exact4.resize(sizes.exact4);
            set.exact6.resize(sizes.exact6);
            set.prefix4.resize(sizes.prefix4);
            set.prefix6.resize(sizes.prefix6);
            const bool counted = i == GABION_SET_OPERATOR || i == GABION_SET_DETECTOR;
            set.size_side(set.hits, counted, sizes);
            set.size_side(set.state, i == GABION_SET_QUARANTINE, sizes);
        }
    }

    gabion_control& control() { return control_; }

    BanMemory memory() {
        BanMemory memory;
        memory.control = &control_;
        memory.allow_bloom = allow_bloom_;
        memory.prefix_map = {prefix_map4_, prefix_lengths4_, prefix_map6_, prefix_lengths6_};
        memory.known_bloom = known_bloom_;
        memory.dest_table = dest_table_;
        memory.destinations = destinations_;
        for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
            SetArrays& from = sets_[i];
            SetMemory& to = memory.set[i];
            to = {from.exact4,   from.exact6,   from.prefix4,     from.prefix6,      from.hits[0],
                  from.hits[1],  from.hits[2],  from.hits[3],     from.state[0],     from.state[1],
                  from.state[2], from.state[3], &control_.set[i], memory.prefix_map, static_cast<gabion_set>(i)};
        }
        return memory;
    }

private:
    struct SetArrays {
        std::vector<gabion_bucket4> exact4, prefix4;
        std::vector<gabion_bucket6> exact6, prefix6;
        std::array<std::vector<std::uint64_t>, 4> hits;
        std::array<std::vector<gabion_quarantine>, 4> state;

        template <typename Arrays>
        static void size_side(Arrays& arrays, bool present, const HostSizes& sizes) {
            if (!present) return;
            arrays[0].resize(sizes.exact4 * GABION_STRIDE4);
            arrays[1].resize(sizes.exact6 * GABION_STRIDE6);
            arrays[2].resize(sizes.prefix4 * GABION_STRIDE4);
            arrays[3].resize(sizes.prefix6 * GABION_STRIDE6);
        }
    };

    gabion_control control_{};
    std::array<SetArrays, GABION_SET_COUNT> sets_;
    std::vector<std::uint64_t> prefix_map4_ = std::vector<std::uint64_t>(GABION_PREFIX_WORDS4);
    std::vector<gabion_prefix_lengths> prefix_lengths4_{GABION_PREFIX_BLOCKS4};
    std::vector<gabion_prefix_line6> prefix_map6_{1024};
    std::vector<gabion_prefix_lengths> prefix_lengths6_{1024};
    std::vector<std::uint64_t> allow_bloom_;
    std::vector<std::uint64_t> known_bloom_;
    std::vector<gabion_bucket6> dest_table_;
    std::vector<gabion_destination> destinations_;
};

}  // namespace gabion::ban::testing
