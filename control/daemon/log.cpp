// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/log.h"

#include <cstdlib>
#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "control/daemon/events.h"

namespace gabion::daemon {
namespace {

// The priority as journald takes it, syslog's numbers.
class PriorityFlag : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
        const char number = message.level >= spdlog::level::err    ? '3'
                            : message.level == spdlog::level::warn ? '4'
                            : message.level == spdlog::level::info ? '6'
                                                                   : '7';
        for (const char c : {'<', number, '>'})
            out.push_back(c);
    }
    std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<PriorityFlag>(); }
};

std::shared_ptr<spdlog::logger> make_logger() {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    // systemd sets JOURNAL_STREAM when standard error goes to the journal, which keeps the time itself.
    if (std::getenv("JOURNAL_STREAM") != nullptr)
        formatter->add_flag<PriorityFlag>('*').set_pattern("%*%v");
    else
        formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    sink->set_formatter(std::move(formatter));
    auto logger = std::make_shared<spdlog::logger>("gabiond", std::move(sink));
    logger->flush_on(spdlog::level::debug);
    return logger;
}

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> one = make_logger();
    return *one;
}

}  // namespace

void set_log_level(const std::string& level) { logger().set_level(spdlog::level::from_str(level)); }

void log_debug(std::string_view text) { logger().debug("{}", text); }

void log_info(std::string_view text) { logger().info("{}", text); }

void log_warning(std::string_view text) { logger().warn("{}", text); }

void log_error(std::string_view text) { logger().error("{}", text); }

void log_event(const Event& event) {
    const auto level = event.severity == Severity::warning ? spdlog::level::warn : spdlog::level::info;
    logger().log(level, "{}: {}", event.kind, event.text);
}

}  // namespace gabion::daemon
