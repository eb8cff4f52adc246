// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/syn_keeper.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <utility>

#include "bpf/lib/flood.h"

namespace gabion::daemon {
namespace {

constexpr double slot_s = 32;  // a cookie is good for one to two of these
constexpr double listener_cookie_s =
    125;  // TCP_SYNCOOKIE_VALID (include/net/tcp.h): 120 s after a mark that is renewed once a second
// What a port may get at once: with our own cookies 40 of 2,000 a second, since they hurt nobody; what takes options away, and the more a
// cap, has to be surer of it.
constexpr double engage_burst_s = 0.02;
constexpr double engage_burst_hurting_s = 0.1;
// Times the rate from which SYNs are answered: nobody takes that for normal, before it is learned.
constexpr double unknown_factor = 10;
constexpr double answer_burst_s = 2;
constexpr double cap_burst_s = 0.25;

struct Offer {
    std::uint16_t bit;
    const char* sysctl;
    const char* name;
};
constexpr std::array<Offer, 4> offers = {{{GABION_SYN_OFFER_SCALE, "ipv4/tcp_window_scaling", "window scale"},
                                          {GABION_SYN_OFFER_SACK, "ipv4/tcp_sack", "SACK"},
                                          {GABION_SYN_OFFER_TIMESTAMPS, "ipv4/tcp_timestamps", "timestamps"},
                                          {GABION_SYN_OFFER_ECN, "ipv4/tcp_ecn", "ECN"}}};

std::vector<std::uint64_t> sysctl(const std::string& name) {
    std::ifstream file("/proc/sys/net/" + name);
    std::vector<std::uint64_t> values;
    for (std::uint64_t value = 0; file >> value;)
        values.push_back(value);
    return values;
}

bool on(const std::string& name) {
    const auto values = sysctl(name);
    return !values.empty() && values[0] != 0;
}

// tcp_select_initial_window(): the shift with which 16 bits tell the largest receive buffer.
std::uint32_t window_scale() {
    std::uint64_t space = 0;
    if (const auto buffers = sysctl("ipv4/tcp_rmem"); buffers.size() == 3) space = buffers[2];
    if (const auto most = sysctl("core/rmem_max"); !most.empty()) space = std::max(space, most[0]);
    return static_cast<std::uint32_t>(std::clamp(static_cast<int>(std::bit_width(space)) - 16, 0, 14));
}

// ticks * 2^16 for one at so many a second
std::uint32_t interval(double pps, std::uint32_t hz) {
    return static_cast<std::uint32_t>(std::clamp(65536.0 * hz / pps, 1.0, 4294967295.0));
}

std::uint32_t burst(double seconds, std::uint32_t hz) { return static_cast<std::uint32_t>(65536 * seconds * hz); }

template <typename T>
T random_number() {
    T number{};
    while (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    }
    return number;
}

std::string destination(const gabion_syn_cell& cell) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(cell.version == 4 ? AF_INET : AF_INET6, cell.address, text.data(), text.size());
    const std::string address = text.data();
    return (cell.version == 4 ? address : "[" + address + "]") + ":" + std::to_string(cell.port);
}

constexpr const char* switched_off = "switched off in the configuration";
const std::string no_cookies = "no cookies but a cap for each port and first SYNs dropped, since ";
const std::string listener_note =
    "cookies of the listeners themselves (bpf_tcp_gen_syncookie()), which tell the MSS and lack window scale, SACK, "
    "timestamps "
    "and ECN; net.ipv4.tcp_syncookies is 2 while a port is engaged; not our own cookies, since ";

// No cookie of any kind.
std::string why_never(const config::SynConfig& config, const SynObstacles& obstacles) {
    if (config.way == "off") return {};
    if (config.way == "cap") return "the configuration asks for the cap";
    if (!obstacles.nobody.empty()) return obstacles.nobody;
    if (!on("ipv4/tcp_syncookies")) return "net.ipv4.tcp_syncookies is 0, so that no listener takes one";
    if (!obstacles.lost.empty()) return obstacles.lost;
    return config.way == "auto" ? obstacles.answers : std::string();
}

}  // namespace

bool SynKeeper::choose(const config::SynConfig& config, const SynObstacles& obstacles, std::uint32_t mtu,
                       gabion_syn_control& control) {
    control.mss4 = static_cast<__u16>(std::clamp(mtu, 576u, 65535u) - 40);
    control.mss6 = static_cast<__u16>(std::clamp(mtu, 1280u, 65535u) - 60);
    control.window_scale = window_scale();
    std::string lacks;
    control.offer = 0;
    for (const Offer& offer : offers) {
        if (on(offer.sysctl))
            control.offer |= offer.bit;
        else
            lacks += (lacks.empty() ? "" : ", ") + std::string(offer.name);
    }
    const std::string never = why_never(config, obstacles);
    way_ = GABION_SYN_CAP;
    std::string note = switched_off;
    if (!never.empty()) {
        note = no_cookies + never;
    } else if (config.way != "off" && config.way != "listener" && obstacles.request.empty()) {
        way_ = GABION_SYN_REQUEST;
        note = "our own cookies, taken by bpf_sk_assign_tcp_reqsk(), with all options" +
               (lacks.empty() ? "" : " but what this host has switched off: " + lacks);
    } else if (config.way != "off" && obstacles.listener.empty()) {
        way_ = GABION_SYN_LISTENER;
        note = listener_note + (config.way == "listener" ? "the configuration asks for them" : obstacles.request);
    } else if (config.way != "off") {
        note = no_cookies + obstacles.listener;
        if (config.way != "listener") note += "; " + obstacles.request;
    }
    control.way = way_;
    return std::exchange(note_, note) != note;
}

void SynKeeper::configure(const config::SynConfig& config, double flood_pps, double flood_cap_pps,
                          gabion_syn_control& control) const {
    if (control.key[0] == 0 && control.key[1] == 0) {
        control.key[0] = random_number<std::uint64_t>();
        control.key[1] = random_number<std::uint64_t>();
        control.timestamp_offset = random_number<std::uint32_t>();
    }
    double engage_pps = static_cast<double>(config.engage_pps);
    double cap_pps = static_cast<double>(config.cap_pps);
    double heavy_pps = 0;
    const bool ours = way_ == GABION_SYN_REQUEST;
    if (config.way != "cap") {  // a cap hurts, so it waits until it is known what is normal, or for what cannot be
        cap_pps = std::max(cap_pps, flood_cap_pps);
        if (cookies()) heavy_pps = std::max(engage_pps, flood_pps > 0 ? flood_pps : unknown_factor * engage_pps);
        // a listener's own cookies take options away
        if (!ours) engage_pps = flood_pps > 0 || cookies() ? std::max(engage_pps, flood_pps) : 0;
    }
    control.slot_shift = static_cast<__u32>(std::lround(std::log2(slot_s * hz_)));
    control.hold_ticks = static_cast<__u32>(std::max<std::int64_t>(1, config.hold.count() * hz_ / 1000));
    control.believed_ticks = static_cast<__u32>(listener_cookie_s * hz_);
    control.answer_interval = interval(static_cast<double>(config.answer_pps), hz_);
    control.answer_burst = burst(answer_burst_s, hz_);
    control.cap_interval = interval(cap_pps, hz_);
    control.cap_burst = burst(cap_burst_s, hz_);
    control.engage_burst = burst(ours ? engage_burst_s : engage_burst_hurting_s, hz_);
    control.heavy_interval = heavy_pps > 0 ? interval(heavy_pps, hz_) : 0;
    control.heavy_burst = burst(engage_burst_hurting_s, hz_);
    control.engage_interval = engage_pps > 0 ? interval(engage_pps, hz_) : 0;
}

std::vector<SynEvent> SynKeeper::look(std::span<const gabion_syn_cell> cells, std::uint32_t now_ticks) {
    std::vector<SynEvent> news;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].until == 0) continue;
        const bool now = gabion_flood_lasts(cells[i].until, now_ticks) != 0;
        const auto known = engaged_.find(i);
        if (now && known == engaged_.end()) {
            engaged_[i] = destination(cells[i]);
            news.push_back({"syn-flood-began",
                            engaged_[i] + (cookies() ? ": SYNs are answered with cookies" : ": SYNs are capped")});
        } else if (!now && known != engaged_.end()) {
            news.push_back({"syn-flood-ended", known->second + ": back to normal"});
            engaged_.erase(known);
        }
    }
    return news;
}

}  // namespace gabion::daemon
