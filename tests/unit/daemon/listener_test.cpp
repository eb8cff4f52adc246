// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/listener.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/daemon/running_server.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Listener, AnUninvitedUserIsTurnedAway) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
    RunningServer server;
    ASSERT_EQ(::chmod(server.path().c_str(), 0666), 0);
    ASSERT_EQ(::chmod(std::filesystem::path(server.path()).parent_path().c_str(), 0755), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(3);
        RawClient client(server.path());
        ::_exit(client.line().find("may not control") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    for (int i = 0; i < 1000 && server.cuts().empty(); ++i)
        std::this_thread::sleep_for(5ms);
    EXPECT_EQ(server.cuts().size(), 1u);
}

TEST(Listener, RefusesASecondDaemonAndReplacesADeadOnesSocket) {
    TemporaryDirectory directory;
    const std::string path = directory.file("deep/er/control.sock");
    {
        const auto first = Listener::open(path, "");
        ASSERT_TRUE(first) << first.error().text;
        const auto second = Listener::open(path, "");
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().text.find("another gabiond listens on " + path), std::string::npos);
    }
    EXPECT_FALSE(std::filesystem::exists(path)) << "an orderly end takes the socket away";
    const pid_t child = ::fork();
    if (child == 0) {
        auto* killed = new Result<Listener>(Listener::open(path, ""));
        ::_exit(*killed ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 0);
    ASSERT_TRUE(std::filesystem::exists(path));
    EXPECT_TRUE(Listener::open(path, ""));
}

TEST(Listener, LeavesAForeignFileAlone) {
    TemporaryDirectory directory;
    const std::string path = directory.file("control.sock");
    UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
    const auto listener = Listener::open(path, "");
    ASSERT_FALSE(listener);
    EXPECT_NE(listener.error().text.find("not a socket"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_FALSE(Listener::open(std::string(200, 'x'), ""));
}

}  // namespace
}  // namespace gabion::daemon
