// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/release.h"

#include <filesystem>
#include <thread>

#include "control/daemon/cookie_switch.h"
#include "control/daemon/inside_port.h"
#include "control/daemon/keeper.h"
#include "dataplane/map/xdp_link.h"
#include "dataplane/net/egress_hook.h"
#include "dataplane/net/hand_back.h"
#include "dataplane/net/offload.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

// A killed daemon's lock goes when the kernel closes what it had open.
Result<UniqueFd> lock_within(const map::PinDirectory& pins, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    auto lock = pins.lock();
    while (!lock && lock.error().code == EBUSY && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(20ms);
        lock = pins.lock();
    }
    if (!lock && lock.error().code == EBUSY)
        return Error{"a running gabiond holds " + pins.path() + "; stop it first", EBUSY};
    return lock;
}

// Looked at before anything is opened: where nothing is left, no BPF file system is to be mounted and no directory made.
bool anything_left(const std::string& pin) {
    std::error_code ignored;
    return std::filesystem::exists(pin, ignored) || std::filesystem::exists("/proc/1/root" + pin, ignored);
}

}  // namespace

std::vector<std::pair<std::string, map::PinDirectory>> pinned_interfaces(const map::PinDirectory& pins) {
    std::vector<std::pair<std::string, map::PinDirectory>> found;
    for (const std::string& name : pins.subdirectories())
        if (auto directory = pins.subdirectory(name); directory && (directory->has("cpus") || directory->has("link")))
            found.emplace_back(name, *std::move(directory));
    return found;
}

void release_link(const net::Link& link, const std::string& name, Keeper& keeper, bool whole) {
    (void)net::detach_ingress(link.index);
    (void)net::detach_egress(link.index, whole || keeper.offloads(name).made_clsact);
    (void)net::restore_offloads(link, keeper.offloads(name));
    keeper.forget_offloads(name);
}

void release_interface(const std::string& name, const map::PinDirectory& pins, Keeper& keeper, bool whole) {
    InsidePort::release_former(pins, keeper, 0);
    map::XdpLink program(pins);
    // It may have been renamed since.
    const auto index = static_cast<std::uint32_t>(program.interface());
    const auto link = index != 0 ? net::link_by_index(index) : net::link_by_name(name);
    program.detach();
    if (link) {
        net::HandBack::remove(*link);
        release_link(*link, name, keeper, whole);
    } else {
        keeper.forget_offloads(name);
    }
    pins.clear();
}

Result<std::vector<std::string>> release_all(const config::Config& config, std::chrono::milliseconds patience) {
    if (!anything_left(config.state.pin)) return std::vector<std::string>{};
    const auto pins = map::PinDirectory::open(config.state.pin);
    if (!pins) return pins.error();
    const auto lock = lock_within(*pins, patience);
    if (!lock) return lock.error();
    auto keeper = Keeper::open(config.state.directory);
    if (!keeper) return keeper.error();
    std::vector<std::string> names;
    for (const auto& [name, of_interface] : pinned_interfaces(*pins)) {
        release_interface(name, of_interface, **keeper, true);
        names.push_back(name);
    }
    (void)CookieSwitch::of_this_namespace(config.state.directory).tend(false);
    pins->clear();
    return names;
}

}  // namespace gabion::daemon
