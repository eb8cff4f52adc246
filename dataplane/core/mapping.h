// SPDX-License-Identifier: Apache-2.0
// The one owner of a memory mapping, as of the values of a BPF_F_MMAPABLE array.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "dataplane/core/result.h"

namespace gabion {

class Mapping {
public:
    Mapping() noexcept = default;
    Mapping(void* address, std::size_t bytes) noexcept : address_(address), bytes_(bytes) {}
    Mapping(Mapping&& other) noexcept
        : address_(std::exchange(other.address_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Mapping& operator=(Mapping&& other) noexcept {
        if (this != &other) {
            unmap();
            address_ = std::exchange(other.address_, nullptr);
            bytes_ = std::exchange(other.bytes_, 0);
        }
        return *this;
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { unmap(); }

    // Maps `bytes` of the file or map behind `fd`, shared, readable and writable. `name` is for the error's text.
    static Result<Mapping> shared(int fd, std::size_t bytes, std::string_view name) {
        void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (address == MAP_FAILED) return error_from_errno(errno, std::string("mapping ") + std::string(name));
        return Mapping(address, bytes);
    }

    [[nodiscard]] void* address() const noexcept { return address_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    explicit operator bool() const noexcept { return address_ != nullptr; }

    // The mapping as an array of T, as many as fit.
    template <typename T>
    [[nodiscard]] std::span<T> as() const noexcept {
        return {static_cast<T*>(address_), bytes_ / sizeof(T)};
    }

private:
    void unmap() noexcept {
        if (address_ != nullptr) ::munmap(address_, bytes_);
    }

    void* address_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace gabion
