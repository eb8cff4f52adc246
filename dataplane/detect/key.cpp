// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/key.h"

#include <cstring>

namespace gabion::detect {

Key Key::from(const Prefix& address) noexcept {
    gabion_address words{};
    std::memcpy(words.word, address.bytes.data(), sizeof words.word);
    return from(address.family == Family::v4 ? 4u : 6u, words);
}

Prefix Key::address() const noexcept {
    gabion_address words{};
    if (is_v4()) {
        words.word[0] = static_cast<std::uint32_t>(low >> 32);
        return Prefix::from_packet(4, words);
    }
    std::memcpy(&words.word[0], &high, sizeof high);
    std::memcpy(&words.word[2], &low, sizeof low);
    return Prefix::from_packet(6, words);
}

Prefix prefix_from(const Key& prefix_key) noexcept {
    if (prefix_key.is_v4()) return prefix_key.address().shortened(24);
    return Key{prefix_key.high, 0}.address().shortened(static_cast<unsigned>(prefix_key.low));
}

}  // namespace gabion::detect
