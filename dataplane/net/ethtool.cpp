// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "dataplane/core/fd.h"

namespace gabion::net {

namespace {

// `command` is one of the ethtool structures; those with a tail are passed as words.
Result<void> ask(const std::string& interface, void* command, const char* what) {
    UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return error_from_errno(errno, "opening a socket for ethtool");
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = static_cast<char*>(command);
    if (::ioctl(fd.get(), SIOCETHTOOL, &request) != 0)
        return error_from_errno(errno, std::string(what) + " of " + interface);
    return {};
}

// A structure with a variable tail, kept in words so that it is aligned.
template <typename Header>
class Tailed {
public:
    explicit Tailed(std::size_t tail_bytes) : words_((sizeof(Header) + tail_bytes + 7) / 8) {}
    Header& header() noexcept { return *reinterpret_cast<Header*>(words_.data()); }
    std::uint8_t* tail() noexcept { return reinterpret_cast<std::uint8_t*>(words_.data()) + sizeof(Header); }
    void* data() noexcept { return words_.data(); }

private:
    std::vector<std::uint64_t> words_;
};

Result<std::vector<std::string>> feature_names(const std::string& interface) {
    Tailed<ethtool_sset_info> info(sizeof(std::uint32_t));
    info.header().cmd = ETHTOOL_GSSET_INFO;
    info.header().sset_mask = 1ull << ETH_SS_FEATURES;
    if (auto done = ask(interface, info.data(), "counting the features"); !done) return done.error();
    std::uint32_t count = 0;
    std::memcpy(&count, info.tail(), sizeof count);

    Tailed<ethtool_gstrings> strings(std::size_t{count} * ETH_GSTRING_LEN);
    strings.header().cmd = ETHTOOL_GSTRINGS;
    strings.header().string_set = ETH_SS_FEATURES;
    strings.header().len = count;
    if (auto done = ask(interface, strings.data(), "naming the features"); !done) return done.error();
    std::vector<std::string> names(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto* text = reinterpret_cast<const char*>(strings.tail() + i * ETH_GSTRING_LEN);
        names[i].assign(text, ::strnlen(text, ETH_GSTRING_LEN));
    }
    return names;
}

}  // namespace

std::optional<Channels> channels(const std::string& interface) {
    ethtool_channels all{};
    all.cmd = ETHTOOL_GCHANNELS;
    if (!ask(interface, &all, "reading the channels")) return std::nullopt;
    return Channels{all.rx_count, all.combined_count, all.max_rx, all.max_combined, all.tx_count};
}

std::optional<std::uint32_t> rx_channels(const std::string& interface) {
    const auto all = channels(interface);
    if (!all) return std::nullopt;
    return all->receiving();
}

Result<void> change_channels(const std::string& interface, bool combined, std::uint32_t count) {
    ethtool_channels all{};
    all.cmd = ETHTOOL_GCHANNELS;
    if (auto done = ask(interface, &all, "reading the channels"); !done) return done.error();
    (combined ? all.combined_count : all.rx_count) = count;
    all.cmd = ETHTOOL_SCHANNELS;
    return ask(interface, &all, "setting the channels");
}

Result<ChannelChange> channels_to_receive(const std::string& interface, const std::optional<Channels>& present,
                                          std::uint32_t count) {
    if (!present) return Error{interface + ": its driver has no channels that can be set", EOPNOTSUPP};
    const bool combined = present->combined_max != 0;
    const std::uint32_t alone = combined ? present->rx : 0;
    const std::uint32_t most = present->receiving_max() + alone;
    if (count <= alone || count > most)
        return Error{interface + " can have " + std::to_string(alone + 1) + " to " + std::to_string(most) +
                         " channels that receive, not " + std::to_string(count),
                     EINVAL};
    return ChannelChange{combined, count - alone};
}

std::optional<RxRing> rx_ring(const std::string& interface) {
    ethtool_ringparam rings{};
    rings.cmd = ETHTOOL_GRINGPARAM;
    if (!ask(interface, &rings, "reading the ring sizes")) return std::nullopt;
    return RxRing{rings.rx_pending, rings.rx_max_pending};
}

Result<void> change_rx_ring(const std::string& interface, std::uint32_t size) {
    ethtool_ringparam rings{};
    rings.cmd = ETHTOOL_GRINGPARAM;
    if (auto done = ask(interface, &rings, "reading the ring sizes"); !done) return done.error();
    rings.rx_pending = size;
    rings.cmd = ETHTOOL_SRINGPARAM;
    return ask(interface, &rings, "setting the ring sizes");
}

std::optional<bool> sends_pause_frames(const std::string& interface) {
    ethtool_pauseparam pause{};
    pause.cmd = ETHTOOL_GPAUSEPARAM;
    if (!ask(interface, &pause, "reading the pause frames")) return std::nullopt;
    return pause.tx_pause != 0;
}

std::string driver_name(const std::string& interface) {
    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    if (!ask(interface, &driver, "reading the driver")) return {};
    return std::string(driver.driver, ::strnlen(driver.driver, sizeof driver.driver));
}

Result<std::vector<Feature>> features(const std::string& interface) {
    auto names = feature_names(interface);
    if (!names) return names.error();
    const std::size_t blocks = (names->size() + 31) / 32;
    Tailed<ethtool_gfeatures> state(blocks * sizeof(ethtool_get_features_block));
    state.header().cmd = ETHTOOL_GFEATURES;
    state.header().size = static_cast<std::uint32_t>(blocks);
    if (auto done = ask(interface, state.data(), "reading the features"); !done) return done.error();

    std::vector<Feature> result;
    for (std::size_t i = 0; i < names->size(); ++i) {
        ethtool_get_features_block block{};
        std::memcpy(&block, state.tail() + i / 32 * sizeof block, sizeof block);
        const std::uint32_t bit = 1u << (i % 32);
        const bool changeable = (block.available & bit) != 0 && (block.never_changed & bit) == 0;
        result.push_back({(*names)[i], (block.active & bit) != 0, changeable});
    }
    return result;
}

Result<void> change_features(const std::string& interface, const std::vector<FeatureChange>& wanted) {
    auto names = feature_names(interface);
    if (!names) return names.error();
    const std::size_t blocks = (names->size() + 31) / 32;
    std::vector<ethtool_set_features_block> change(blocks);
    for (const auto& one : wanted) {
        const auto found = std::find(names->begin(), names->end(), one.name);
        if (found == names->end()) continue;
        const auto number = static_cast<std::size_t>(found - names->begin());
        const std::uint32_t bit = 1u << (number % 32);
        change[number / 32].valid |= bit;
        if (one.active) change[number / 32].requested |= bit;
    }
    Tailed<ethtool_sfeatures> request(blocks * sizeof(ethtool_set_features_block));
    request.header().cmd = ETHTOOL_SFEATURES;
    request.header().size = static_cast<std::uint32_t>(blocks);
    std::memcpy(request.tail(), change.data(), blocks * sizeof(ethtool_set_features_block));
    return ask(interface, request.data(), "switching the features");
}

}  // namespace gabion::net
