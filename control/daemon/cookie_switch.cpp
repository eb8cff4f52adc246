// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/cookie_switch.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <utility>

#include "dataplane/core/atomic_file.h"

namespace gabion::daemon {
namespace {

constexpr int always = 2;
constexpr std::size_t state_bytes_max = 4096;
constexpr const char* name = "net.ipv4.tcp_syncookies";

std::string word_of(const char* path) {
    std::ifstream file(path);
    std::string word;
    file >> word;
    return word;
}

// "net:[4026531840]"
std::string network_namespace() {
    std::error_code code;
    return std::filesystem::read_symlink("/proc/self/ns/net", code).string();
}

}  // namespace

CookieSwitch::CookieSwitch(std::string state_file, std::string sysctl_file, std::string place)
    : state_file_(std::move(state_file)), sysctl_file_(std::move(sysctl_file)), place_(std::move(place)) {
    const auto read = read_whole(state_file_, state_bytes_max);
    if (read && *read) {
        std::istringstream words(std::string(reinterpret_cast<const char*>((*read)->data()), (*read)->size()));
        std::string where;
        int former = 0;
        if (words >> where >> former && where == place_) former_ = former;
    }
    forget_obstacle();
}

CookieSwitch CookieSwitch::of_this_namespace(const std::string& state_directory) {
    return {state_directory + "/syncookies", "/proc/sys/net/ipv4/tcp_syncookies",
            word_of("/proc/sys/kernel/random/boot_id") + "," + network_namespace()};
}

void CookieSwitch::forget_obstacle() {
    obstacle_.clear();
    if (::access(sysctl_file_.c_str(), F_OK) != 0)
        obstacle_ = "this kernel was built without SYN cookies";
    else if (::access(sysctl_file_.c_str(), W_OK) != 0)
        obstacle_ = std::string(name) + " cannot be written here";
}

std::optional<int> CookieSwitch::value() const {
    std::ifstream file(sysctl_file_);
    int value = 0;
    if (!(file >> value)) return std::nullopt;
    return value;
}

Result<void> CookieSwitch::write(int value) const {
    errno = 0;
    std::ofstream file(sysctl_file_);
    if (!(file << value << std::flush))
        return error_from_errno(errno, "setting " + std::string(name) + " to " + std::to_string(value));
    return {};
}

Result<void> CookieSwitch::remember(int former) {
    const std::string text = place_ + " " + std::to_string(former) + "\n";
    if (auto written = write_atomically(state_file_, std::as_bytes(std::span(text))); !written) return written;
    former_ = former;
    return {};
}

Result<void> CookieSwitch::forget() {
    std::error_code code;
    std::filesystem::remove(state_file_, code);
    if (code) return error_from_errno(code.value(), "removing " + state_file_);
    former_.reset();
    return {};
}

std::optional<CookieSwitch::Event> CookieSwitch::force(int former) {
    auto done = former_ ? Result<void>{} : remember(former);
    if (done) done = write(always);
    if (done)
        return Event{false, std::string(name) + " was " + std::to_string(former) + " and is 2 while a port is engaged"};
    obstacle_ = done.error().text;
    return Event{true, obstacle_};
}

std::optional<CookieSwitch::Event> CookieSwitch::put_back(int former) {
    std::optional<Event> event;
    if (value() == always) {  // else somebody else set it meanwhile
        if (auto written = write(former); !written) return Event{true, written.error().text};
        event = Event{false, std::string(name) + " is back at " + std::to_string(former)};
    }
    if (auto forgotten = forget(); !forgotten) return Event{true, forgotten.error().text};
    return event;
}

std::optional<CookieSwitch::Event> CookieSwitch::tend(bool wanted) {
    if (!wanted) return former_ ? put_back(*former_) : std::nullopt;
    const auto now = value();
    if (!now || *now == 0 || *now == always || !obstacle_.empty()) return std::nullopt;
    return force(*now);
}

}  // namespace gabion::daemon
