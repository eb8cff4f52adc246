// SPDX-License-Identifier: Apache-2.0
#include "dataplane/xsk/socket.h"

#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <utility>

#include <bpf/bpf.h>

namespace gabion::xsk {

namespace {

// Bytes of packets that may be under way; 128 of them, each with its bookkeeping, must fit.
constexpr int send_buffer_bytes = 2 << 20;
// A transmitting socket needs a fill ring to exist, a receiving one a completion ring; nobody uses them.
constexpr std::uint32_t unused_ring_entries = 64;

}  // namespace

struct Socket::State {
    std::shared_ptr<Umem> umem;
    std::uint32_t queue = 0;
    FillRing fill;
    CompletionRing completion;
    RxRing rx;
    TxRing tx;
    xsk_umem* registration = nullptr;
    xsk_socket* socket = nullptr;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (socket != nullptr) xsk_socket__delete(socket);
        if (registration != nullptr) xsk_umem__delete(registration);
    }

    Result<void> register_memory(std::uint32_t fill_entries, std::uint32_t completion_entries) {
        xsk_umem_config config{};
        config.fill_size = fill_entries;
        config.comp_size = completion_entries;
        config.frame_size = umem->chunk_bytes();
        const int code =
            xsk_umem__create(&registration, umem->area(), umem->bytes(), fill.raw(), completion.raw(), &config);
        if (code == 0) return {};
        return error_from_errno(-code, "registering " + std::to_string(umem->bytes() >> 10) + " KiB for AF_XDP",
                                "gabiond needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_IPC_LOCK");
    }

    void post(std::uint32_t chunks) {
        std::uint32_t first = 0;
        if (!fill.reserve(chunks, first)) return;
        for (std::uint32_t i = 0; i < chunks; ++i)
            fill.slot(first + i) = umem->address_of(i);
        fill.submit(chunks);
    }

    Result<void> bind(const std::string& interface, bool receiving, std::uint32_t entries, std::uint16_t flags) {
        xsk_socket_config config{};
        config.rx_size = entries;
        config.tx_size = entries;
        config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
        config.bind_flags = flags;
        const int code =
            xsk_socket__create_shared(&socket, interface.c_str(), queue, registration, receiving ? rx.raw() : nullptr,
                                      receiving ? nullptr : tx.raw(), fill.raw(), completion.raw(), &config);
        if (code == 0) return {};
        return error_from_errno(-code, "AF_XDP socket on " + interface + " queue " + std::to_string(queue),
                                -code == EBUSY
                                    ? "another program has a socket on this queue, or the kernel has not let go "
                                      "of a killed one yet; it is tried again"
                                    : "");
    }
};

Socket::Socket(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::receive(const std::string& interface, std::uint32_t queue, std::shared_ptr<Umem> umem,
                               std::uint32_t ring_entries, std::uint32_t posted) {
    auto state = std::make_unique<State>();
    state->umem = std::move(umem);
    state->queue = queue;
    if (auto done = state->register_memory(state->umem->chunks(), unused_ring_entries); !done) return done.error();
    state->post(posted);
    if (auto done = state->bind(interface, true, ring_entries, XDP_USE_NEED_WAKEUP); !done) return done.error();
    return Socket(std::move(state));
}

Result<Socket> Socket::transmit(const std::string& interface, std::uint32_t queue, std::shared_ptr<Umem> umem,
                                std::uint32_t ring_entries, std::uint32_t mark) {
    auto state = std::make_unique<State>();
    state->umem = std::move(umem);
    state->queue = queue;
    if (auto done = state->register_memory(unused_ring_entries, ring_entries); !done) return done.error();
    if (auto done = state->bind(interface, false, ring_entries, XDP_COPY | XDP_USE_NEED_WAKEUP); !done)
        return done.error();
    const int fd = xsk_socket__fd(state->socket);
    if (::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0)
        return error_from_errno(errno, "marking packets handed back through " + interface);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer_bytes, sizeof send_buffer_bytes);
    return Socket(std::move(state));
}

int Socket::fd() const noexcept { return xsk_socket__fd(state_->socket); }
const Umem& Socket::umem() const noexcept { return *state_->umem; }
RxRing& Socket::rx() noexcept { return state_->rx; }
FillRing& Socket::fill() noexcept { return state_->fill; }
TxRing& Socket::tx() noexcept { return state_->tx; }
CompletionRing& Socket::completion() noexcept { return state_->completion; }

bool Socket::zero_copy() const noexcept {
    xdp_options options{};
    socklen_t bytes = sizeof options;
    return ::getsockopt(fd(), SOL_XDP, XDP_OPTIONS, &options, &bytes) == 0 &&
           (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

Statistics Socket::statistics() const noexcept {
    xdp_statistics raw{};
    socklen_t bytes = sizeof raw;
    if (::getsockopt(fd(), SOL_XDP, XDP_STATISTICS, &raw, &bytes) != 0) return {};
    return {raw.rx_dropped, raw.rx_ring_full, raw.rx_fill_ring_empty_descs, raw.tx_invalid_descs};
}

Result<void> Socket::enter(int xskmap_fd) const {
    const int own = fd();
    if (::bpf_map_update_elem(xskmap_fd, &state_->queue, &own, BPF_ANY) == 0) return {};
    return error_from_errno(errno, "putting the socket of queue " + std::to_string(state_->queue) + " into the XSKMAP");
}

void Socket::leave(int xskmap_fd, std::uint32_t queue) noexcept { ::bpf_map_delete_elem(xskmap_fd, &queue); }

}  // namespace gabion::xsk
