// SPDX-License-Identifier: Apache-2.0
// The list of prefix lengths in use, in the header of a set. A look-up reads the count, then walks the list from the front while it
// is written. So the last element is copied behind itself and the count raised, and only when all look-ups know the new count
// do the others move backwards; towards the front an element is copied first, and what it leaves behind is
// overwritten when every look-up that began before has ended.
#include <time.h>

#include <algorithm>
#include <functional>

#include "dataplane/ban/address_set.h"

namespace gabion::ban {
namespace {

void store(std::uint8_t& to, std::uint8_t value) noexcept {
    std::atomic_ref<std::uint8_t>(to).store(value, std::memory_order_release);
}

void store(std::uint32_t& to, std::uint32_t value) noexcept {
    std::atomic_ref<std::uint32_t>(to).store(value, std::memory_order_release);
}

}  // namespace

void sleep_a_grace() noexcept {
    const timespec pause{0, 5'000'000};
    ::nanosleep(&pause, nullptr);
}

// Makes sure that the list holds `length`, longest first.
bool AddressSet::need_length(Lengths& lengths, std::uint8_t length) noexcept {
    std::uint8_t* const begin = lengths.list;
    if (std::find(begin, begin + *lengths.count, length) != begin + *lengths.count) return true;
    while (*lengths.count == GABION_PREFIX_LENGTHS_MAX) {
        if (!compact(lengths)) break;
        grace_();
    }
    const std::uint32_t count = *lengths.count;
    if (count == GABION_PREFIX_LENGTHS_MAX) return false;
    std::uint32_t at = count;
    while (at > 0 && begin[at - 1] < length)
        --at;
    if (at == count) {
        store(begin[count], length);
        store(*lengths.count, count + 1);
        return true;
    }
    store(begin[count], begin[count - 1]);
    store(*lengths.count, count + 1);
    grace_();  // look-ups that know the former count would miss what moves behind it
    for (std::uint32_t i = count - 1; i > at; --i)
        store(begin[i], begin[i - 1]);
    store(begin[at], length);
    return true;
}

// One step: an unused length, or the copy left by the step before, is overwritten by its successor; at the end it goes.
bool AddressSet::compact(Lengths& lengths) noexcept {
    const std::uint32_t count = *lengths.count;
    for (std::uint32_t i = 0; i < count; ++i) {
        const bool last = i + 1 == count;
        const bool copied = !last && lengths.list[i] == lengths.list[i + 1];
        if (!last && copied && i + 2 < count && lengths.list[i + 1] == lengths.list[i + 2]) continue;
        if (copied && i + 2 == count) {
            store(*lengths.count, count - 1);
            return true;
        }
        if (copied) {
            store(lengths.list[i + 1], lengths.list[i + 2]);
            return true;
        }
        if (lengths.entries[lengths.list[i]] != 0) continue;
        if (last) {
            store(*lengths.count, count - 1);
        } else {
            store(lengths.list[i], lengths.list[i + 1]);
        }
        return true;
    }
    return false;
}

// What a killed writer leaves is in order and complete, perhaps with copies, which `compact` takes out. Anything else was not
// written by these functions: it is cut back to nothing and made anew.
void AddressSet::rebuild_lengths(Lengths& lengths, unsigned width) noexcept {
    const std::uint8_t* const begin = lengths.list;
    const bool sane = *lengths.count <= GABION_PREFIX_LENGTHS_MAX &&
                      std::is_sorted(begin, begin + *lengths.count, std::greater<>{}) &&
                      (*lengths.count == 0 || begin[0] < width);
    if (!sane) store(*lengths.count, 0);
    for (unsigned length = 0; length < width; ++length) {
        if (lengths.entries[length] != 0) need_length(lengths, static_cast<std::uint8_t>(length));
    }
}

bool AddressSet::compact_lengths() noexcept {
    const bool more4 = compact(lengths4_);
    const bool more6 = compact(lengths6_);
    return more4 || more6;
}

}  // namespace gabion::ban
