// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/pin_directory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace gabion::map {
namespace {

namespace fs = std::filesystem;

constexpr const char* usual_mount = "/sys/fs/bpf";
constexpr const char* init_root = "/proc/1/root";

// Whether the nearest existing ancestor of `path` lies on a BPF file system.
bool on_bpffs(fs::path path) {
    std::error_code ignored;
    while (!path.empty() && !fs::exists(path, ignored) && path != path.root_path())
        path = path.parent_path();
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

bool mount_namespace_is_private() {
    struct stat own {};
    struct stat init {};
    return ::stat("/proc/self/ns/mnt", &own) == 0 && ::stat("/proc/1/ns/mnt", &init) == 0 && own.st_ino != init.st_ino;
}

// Runs in a child of its own, since setns changes the whole process. Returns 0 or an errno.
int mount_in_init_namespace(const std::string& where) {
    const UniqueFd init(::open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (init && ::setns(init.get(), CLONE_NEWNS) != 0) return errno;
    std::error_code made;
    fs::create_directories(where, made);
    if (on_bpffs(where)) return 0;
    return ::mount("bpf", where.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0 ? 0 : errno;
}

Result<void> mount_bpffs(const std::string& where) {
    const pid_t child = ::fork();
    if (child < 0) return error_from_errno(errno, "starting a child that mounts the BPF file system");
    if (child == 0) ::_exit(mount_in_init_namespace(where));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
    if (code != 0)
        return error_from_errno(code, "mounting the BPF file system on " + where,
                                "mount it with: mount -t bpf bpf " + where);
    return {};
}

std::string mount_point_for(const std::string& path) {
    return path == usual_mount || path.starts_with(std::string(usual_mount) + "/") ? usual_mount : path;
}

// The path under which this process reaches the BPF file system that holds, or shall hold, `path`.
std::optional<std::string> reachable(const std::string& path) {
    if (on_bpffs(path)) return path;
    if (mount_namespace_is_private() && on_bpffs(init_root + path)) return init_root + path;
    return std::nullopt;
}

}  // namespace

Result<PinDirectory> PinDirectory::open(const std::string& path) {
    if (!path.starts_with('/')) return Error{"pin directory '" + path + "' must be an absolute path", EINVAL};
    if (fs::path(path + "/").lexically_normal() == fs::path(usual_mount) / "")
        return Error{
            "pin directory " + path + " is shared with others; name one below it, such as " + usual_mount + "/gabion",
            EINVAL};
    auto place = reachable(path);
    if (!place) {
        if (auto mounted = mount_bpffs(mount_point_for(path)); !mounted) return mounted.error();
        place = reachable(path);
    }
    if (!place)
        return Error{"pin directory " + path + " is on no BPF file system, and mounting one there did not help",
                     ENOENT};
    std::error_code code;
    const bool made = fs::create_directories(*place, code);
    if (made) fs::permissions(*place, fs::perms::owner_all, code);
    if (code) return error_from_errno(code.value(), "making the pin directory " + *place);
    return PinDirectory(*place);
}

Result<PinDirectory> PinDirectory::subdirectory(std::string_view name) const {
    const std::string path = entry(name);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return error_from_errno(errno, "making the pin directory " + path);
    return PinDirectory(path);
}

Result<UniqueFd> PinDirectory::lock() const {
    UniqueFd directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return error_from_errno(errno, "opening the pin directory " + path_);
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) return directory;
    if (errno == EWOULDBLOCK)
        return Error{"another gabiond holds the pin directory " + path_ +
                         "; two daemons on one host must differ in [control] socket, [state] directory and [state] pin",
                     EBUSY};
    return error_from_errno(errno, "locking the pin directory " + path_);
}

// A dot is not allowed in names on the BPF file system; interface names may hold one (eth0.100).
std::string PinDirectory::entry(std::string_view name) const {
    std::string file(name);
    for (char& c : file) {
        if (c == '.') c = ':';
    }
    return path_ + "/" + file;
}

bool PinDirectory::has(std::string_view name) const { return ::access(entry(name).c_str(), F_OK) == 0; }

std::vector<std::string> PinDirectory::subdirectories() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(path_, ignored)) {
        if (!item.is_directory(ignored)) continue;
        std::string name = item.path().filename();
        std::replace(name.begin(), name.end(), ':', '.');
        names.push_back(std::move(name));
    }
    return names;
}

void PinDirectory::remove(std::string_view name) const noexcept { ::unlink(entry(name).c_str()); }

void PinDirectory::clear() const noexcept {
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(path_, ignored)) {
        if (!item.is_directory(ignored)) ::unlink(item.path().c_str());
    }
    ::rmdir(path_.c_str());
}

}  // namespace gabion::map
