// SPDX-License-Identifier: Apache-2.0
// The command line's grammar. CLI11 parses; every complaint is one line and status 2.
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "control/cli/ask.h"
#include "control/cli/commands.h"
#include "control/cli/host.h"
#include "control/wire/protocol.h"

namespace gabion::cli {
namespace {

using Action = int (*)(const Options&);

struct Grammar {
    CLI::App app{"gabion controls gabiond, the DDoS-mitigation daemon.", "gabion"};
    Options options;
    Action action = nullptr;

    CLI::App* command(CLI::App* parent, const char* name, const char* help, Action what) {
        CLI::App* sub = parent->add_subcommand(name, help);
        sub->callback([this, what] { action = what; });
        return sub;
    }

    CLI::App* group(const char* name, const char* help) {
        CLI::App* sub = app.add_subcommand(name, help);
        sub->require_subcommand(1);
        return sub;
    }

    void target(CLI::App* sub, const char* help) {
        sub->add_option("target", options.target, help)->required()->type_name("TARGET");
    }
    void note(CLI::App* sub) {
        sub->add_option("--note", options.note, "why, for whoever reads the list")->type_name("TEXT");
    }
    void ban_options(CLI::App* sub) {
        sub->add_option("--for", options.duration, "how long, like 10m, 1h30m, 7d; left out: until it is taken out")
            ->type_name("TIME");
        note(sub);
        sub->add_flag("--force", options.force, "also 0.0.0.0/0 and ::/0, and your own session");
    }
};

void add_bans(Grammar& grammar) {
    CLI::App* ban = grammar.group("ban", "addresses and prefixes that are dropped");
    CLI::App* add = grammar.command(ban, "add", "ban an address or prefix; returns when it is in force", ban_add);
    grammar.target(add, "an address or prefix, IPv4 or IPv6");
    grammar.ban_options(add);
    grammar.target(grammar.command(ban, "del", "take a ban out", ban_del), "an address or prefix that is banned");
    grammar.command(ban, "list", "all bans and quarantines", ban_list);
    CLI::App* load = grammar.command(ban, "load", "ban what a file lists, one a line; all or nothing", ban_load);
    load->add_option("file", grammar.options.file, "the file; - is standard input")->required()->type_name("FILE");
    grammar.ban_options(load);
}

void add_allow(Grammar& grammar) {
    CLI::App* allow = grammar.group("allow", "addresses and prefixes that are spared");
    CLI::App* add = grammar.command(allow, "add", "spare an address or prefix", allow_add);
    grammar.target(add, "an address or prefix, IPv4 or IPv6");
    add->add_option("--skip", grammar.options.skip, "what it skips, of bans,rates,validation; left out: all three")
        ->type_name("LIST");
    grammar.note(add);
    grammar.target(grammar.command(allow, "del", "spare it no more", allow_del), "an address or prefix on the list");
    grammar.command(allow, "list", "the allow list", allow_list);
}

void add_rest(Grammar& grammar) {
    CLI::App* app = &grammar.app;
    grammar.command(app, "status", "how it stands", status);
    CLI::App* count = grammar.command(app, "counters", "every packet and where it went", counters);
    count->add_flag("--per-core", grammar.options.per_core, "for each CPU too");
    CLI::App* live = grammar.command(app, "top", "what goes on at present, again and again", top);
    live->add_option("--interval", grammar.options.interval, "seconds between two pictures, 0.1 to 60; left out: 1")
        ->type_name("N")
        ->check(CLI::Range(0.1, 60.0));
    live->add_option("--count", grammar.options.count, "so many pictures; left out: until it is interrupted")
        ->type_name("N");
    CLI::App* event = grammar.command(app, "events", "what happened and why", events);
    event->add_flag("--follow,-f", grammar.options.follow, "and what happens from now on");
    CLI::App* breaker = grammar.command(app, "panic", "the breaker: how it stands, or set it", panic);
    breaker->add_option("mode", grammar.options.mode, "auto, on or off; left out: show")
        ->type_name("MODE")
        ->check(CLI::IsMember({"auto", "on", "off"}));
    grammar.command(app, "confirm", "lets a gabiond stay that was started for a limited time (--for)", confirm);
    grammar.target(grammar.command(app, "why", "what happens to an address's packets, and the evidence", why),
                   "an address or prefix");
    CLI::App* measure = grammar.command(app, "profile", "what a packet costs, stage by stage; takes its time", profile);
    measure->add_option("--seconds", grammar.options.seconds, "how long, 1 to 600; left out: 5")
        ->type_name("N")
        ->check(CLI::Range(1u, wire::profile_seconds_max));
    CLI::App* captures = grammar.command(
        app, "replay", "captures through the pipeline and the detectors, offline; needs no daemon", replay);
    captures->add_option("files", grammar.options.files, "pcap or pcapng, one behind the other; - is standard input")
        ->required()
        ->type_name("FILE");
    captures->add_option("--learn", grammar.options.learn, "ordinary traffic, to learn from first")->type_name("FILE");
    captures->add_option("--filter", grammar.options.filter, "only these packets, like 'dst host 192.0.2.1'")
        ->type_name("EXPRESSION");
    captures->add_option("--config", grammar.options.config, "with this configuration; left out: the defaults")
        ->type_name("FILE");
    grammar.command(app, "reload", "read the configuration again; a bad file changes nothing", reload);
    CLI::App* config = grammar.group("config", "the configuration");
    CLI::App* check = grammar.command(config, "check", "is this file right? needs no daemon", config_check);
    check->add_option("file", grammar.options.file, "the file")->required()->type_name("FILE");
    grammar.command(config, "show", "what is in force, defaults filled in", config_show);
}

void add_host(Grammar& grammar) {
    const auto common = [&](CLI::App* sub) {
        sub->add_option("interfaces", grammar.options.interfaces, "only these; left out: those of the configuration")
            ->type_name("INTERFACE");
        sub->add_option("--config", grammar.options.config,
                        "the configuration; left out: " + std::string(default_config))
            ->type_name("FILE");
    };
    common(grammar.command(&grammar.app, "doctor", "what this host lacks for line rate; needs no daemon", doctor));
    CLI::App* sub = grammar.command(&grammar.app, "tune", "does what doctor names and can be done at run time", tune);
    common(sub);
    CLI::Option* dry = sub->add_flag("--dry-run", grammar.options.dry_run, "only says what it would do");
    CLI::Option* undo = sub->add_flag("--undo", grammar.options.undo, "puts back what was before");
    CLI::Option* boot =
        sub->add_flag("--boot", grammar.options.boot,
                      "also keeps the workers' CPUs free from the next boot on, by a file for update-grub");
    undo->excludes(dry)->excludes(boot);
}

// CLI11's complaints run over several lines when it lists what is allowed.
std::string one_line(std::string text) {
    for (char& c : text)
        if (c == '\n') c = ' ';
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

}  // namespace

int run(int argc, const char* const* argv) {
    Grammar grammar;
    CLI::App& app = grammar.app;
    app.fallthrough();
    app.require_subcommand(1);
    app.set_version_flag("--version", "gabion " GABION_VERSION);
    app.add_option("--socket", grammar.options.socket, "gabiond's socket (or GABION_SOCKET)")->type_name("PATH");
    app.add_flag("--json", grammar.options.json, "for programs: JSON on standard output");
    add_rest(grammar);
    add_bans(grammar);
    add_allow(grammar);
    add_host(grammar);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        return fail(one_line(error.what()) + "; gabion --help tells more", 2);
    }
    try {
        return grammar.action(grammar.options);
    } catch (const std::exception& error) {
        return fail(
            std::string("gabiond's answer makes no sense here; do the versions of gabion and gabiond differ? ") +
                error.what(),
            1);
    }
}

}  // namespace gabion::cli
