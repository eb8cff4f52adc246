// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>

#include "control/wire/message.h"

namespace gabion::daemon {
namespace {

using wire::ErrorCode;

constexpr std::chrono::milliseconds check_period{250};

std::string name_of(const Peer& peer) {
    return "client (pid " + std::to_string(peer.pid) + ", user " + std::to_string(peer.uid) + ")";
}

ErrorCode code_of(const Error& error) {
    return error.code == EINVAL ? ErrorCode::invalid_parameters : ErrorCode::failed;
}

// A method that throws (no memory, a bug) fails alone.
Result<Json> run_method(const Server::Method& method, const Json& params, Call& call, bool& threw) {
    try {
        return method(params, call);
    } catch (const std::exception& failure) {
        threw = true;
        return Error{std::string("internal error: ") + failure.what(), 0};
    }
}

}  // namespace

Server::Server(EventLoop& loop, ServerSettings settings, OnCut on_cut, Listener listener)
    : loop_(loop), settings_(std::move(settings)), on_cut_(std::move(on_cut)), listener_(std::move(listener)) {}

Result<std::unique_ptr<Server>> Server::listen(EventLoop& loop, ServerSettings settings, OnCut on_cut) {
    auto listener = Listener::open(settings.path, settings.group);
    if (!listener) return listener.error();
    std::unique_ptr<Server> server(new Server(loop, std::move(settings), std::move(on_cut), *std::move(listener)));
    if (auto started = server->start(); !started) return started.error();
    return server;
}

Result<void> Server::start() {
    timer_ = loop_.every(check_period, [this] { check_times(); });
    return loop_.watch(listener_.fd(), EPOLLIN, [this](std::uint32_t) { accept_clients(); });
}

Server::~Server() {
    *alive_ = false;
    loop_.cancel(timer_);
    loop_.forget(listener_.fd());
    for (const auto& [fd, client] : clients_)
        loop_.forget(fd);
}

void Server::add(std::string_view method, Method function) { methods_[std::string(method)] = std::move(function); }

void Server::accept_clients() {
    // A few a round, so that a storm of connections does not hold up those who are connected.
    for (int i = 0; i < 16; ++i) {
        UniqueFd fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) pause_accepting();
            return;
        }
        auto peer = listener_.admit(fd.get());
        if (!peer) {
            const std::string line = wire::error_line(nullptr, ErrorCode::failed, peer.error().text);
            ::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            tell("turned away: " + peer.error().text);
            continue;
        }
        make_room();
        const int number = fd.get();
        auto client =
            std::make_unique<Connection>(std::move(fd), *peer, settings_.request_bytes_max, Connection::Clock::now());
        client->watched = EPOLLIN;
        client->serial = next_serial_++;
        if (!loop_.watch(number, EPOLLIN, [this, number](std::uint32_t events) { on_ready(number, events); })) continue;
        clients_[number] = std::move(client);
    }
}

// When all places are taken, the longest silent client of the user with the most connections gives way.
void Server::make_room() {
    if (clients_.size() < settings_.clients_max) return;
    std::map<uid_t, std::size_t> per_user;
    for (const auto& [fd, client] : clients_)
        ++per_user[client->peer().uid];
    const auto most =
        std::max_element(per_user.begin(), per_user.end(), [](auto& a, auto& b) { return a.second < b.second; });
    const Connection* victim = nullptr;
    for (const auto& [fd, client] : clients_) {
        if (client->peer().uid != most->first) continue;
        if (victim == nullptr || client->request_since < victim->request_since) victim = client.get();
    }
    cut(victim->fd(),
        "there are more than " + std::to_string(settings_.clients_max) + " clients and this one was silent longest");
}

void Server::on_ready(int fd, std::uint32_t events) {
    const auto found = clients_.find(fd);
    if (found == clients_.end()) return;
    Connection& client = *found->second;
    const auto now = Connection::Clock::now();
    if ((events & EPOLLERR) != 0) return close(fd);
    if ((events & EPOLLOUT) != 0 && !client.flush(now)) return close(fd);
    if ((events & (EPOLLIN | EPOLLHUP)) != 0 && (client.watched & EPOLLIN) != 0) {
        if (!client.receive(now)) client.peer_closed = true;
        if (client.lines().too_long()) return refuse_long_line(client);
    } else if ((events & EPOLLHUP) != 0) {
        return close(fd);
    }
    serve(fd);
}

// Answers one request, if there is one and the last answer is gone, and arranges what is to happen next.
void Server::serve(int fd) {
    const auto found = clients_.find(fd);
    if (found == clients_.end()) return;
    Connection& client = *found->second;
    if (!client.closing && client.unsent() == 0 && !client.postponed) {
        if (const auto line = client.lines().next()) {
            const std::string reply = answer(client, *line);
            const auto now = Connection::Clock::now();
            client.request_since = now;
            if (!reply.empty() && !client.send(reply, now)) return close(fd);
        }
        if (client.lines().too_long()) return refuse_long_line(client);
    }
    settle(client);
}

std::string Server::answer(Connection& client, std::string_view line) {
    auto read = wire::read_request(line);
    if (const auto* refusal = std::get_if<wire::Refusal>(&read))
        return wire::error_line(refusal->id, refusal->code, refusal->text);
    const auto& request = std::get<wire::Request>(read);
    const Json reply_id = request.wants_reply() ? request.id : Json(Json::value_t::discarded);
    bool later = false;
    Call call;
    call.peer = client.peer();
    call.file = client.take_file();
    call.answer_later = [&] {
        later = true;
        return postpone(client, reply_id);
    };
    const auto method = methods_.find(request.method);
    bool threw = false;
    Result<Json> result =
        method == methods_.end()
            ? Error{"gabiond " GABION_VERSION " has no method '" + request.method.substr(0, 64) + "'", ENOSYS}
            : run_method(method->second, request.params, call, threw);
    if (result && !call.topic.empty()) client.topic = call.topic;
    if (!result) client.postponed = false;
    if (client.postponed) client.when_gone = std::move(call.when_gone);
    if (!request.wants_reply() || (later && result)) return {};
    if (result) return wire::result_line(request.id, *result);
    const ErrorCode code = method == methods_.end() ? ErrorCode::unknown_method
                           : threw                  ? ErrorCode::internal_error
                                                    : code_of(result.error());
    return wire::error_line(request.id, code, result.error().text);
}

// The client's next request is not read before this answer is given.
Call::Answer Server::postpone(Connection& client, const Json& id) {
    client.postponed = true;
    return [this, fd = client.fd(), serial = client.serial, id, alive = alive_](const Result<Json>& result) {
        if (!*alive) return;
        const auto found = clients_.find(fd);
        if (found == clients_.end() || found->second->serial != serial || !found->second->postponed) return;
        Connection& asker = *found->second;
        asker.postponed = false;
        asker.when_gone = nullptr;
        const auto now = Connection::Clock::now();
        asker.request_since = now;
        const std::string reply = id.is_discarded() ? ""
                                  : result          ? wire::result_line(id, *result)
                                           : wire::error_line(id, code_of(result.error()), result.error().text);
        // Settled in the next round: the answer may come while the method still runs.
        if (!reply.empty() && !asker.send(reply, now)) asker.cut_because = "it is gone";
        queue(asker);
    };
}

// Watches for what can be done next: reading only when no request and no answer is waiting.
void Server::settle(Connection& client) {
    const bool has_request = !client.closing && client.lines().has_line();
    const bool has_output = client.unsent() > 0;
    const bool is_waited_for = client.postponed;
    if (!has_output && !has_request && !is_waited_for && (client.closing || client.peer_closed))
        return close(client.fd());
    if (has_request && !has_output && !is_waited_for) queue(client);
    std::uint32_t wanted = has_output ? EPOLLOUT : 0u;
    if (!has_request && !has_output && !is_waited_for && !client.closing && !client.peer_closed) wanted |= EPOLLIN;
    if (wanted == client.watched) return;
    client.watched = wanted;
    if (!loop_.change(client.fd(), wanted)) close(client.fd());
}

void Server::queue(Connection& client) {
    if (client.queued) return;
    client.queued = true;
    loop_.defer([this, fd = client.fd(), serial = client.serial, alive = alive_] {
        if (!*alive) return;
        const auto found = clients_.find(fd);
        if (found == clients_.end() || found->second->serial != serial) return;
        found->second->queued = false;
        if (!found->second->cut_because.empty()) return cut(fd, found->second->cut_because);
        serve(fd);
    });
}

void Server::publish(std::string_view topic, const Json& params) {
    std::string line;
    const auto now = Connection::Clock::now();
    for (const auto& [fd, client] : clients_) {
        if (client->topic != topic || client->closing) continue;
        if (line.empty()) line = wire::notification_line(topic, params);
        if (client->unsent() + line.size() > settings_.notice_bytes_max) {
            client->closing = true;
            client->cut_because = "it reads its notifications too slowly";
        } else if (!client->send(line, now)) {
            client->closing = true;
            client->cut_because = "it is gone";
        }
        // Settled in the next round: that may close the client, and it may be the one whose request is being answered now.
        queue(*client);
    }
}

void Server::tell(std::string text) {
    loop_.defer([this, text = std::move(text), alive = alive_] {
        if (*alive) on_cut_(text);
    });
}

// Out of descriptors or memory: those who wait stay in the backlog until the next look at the times.
void Server::pause_accepting() {
    accepting_ = false;
    if (!loop_.change(listener_.fd(), 0)) tell("the control socket cannot pause");
}

void Server::refuse_long_line(Connection& client) {
    refuse(client, "a line is longer than " + std::to_string(settings_.request_bytes_max) + " bytes");
}

// Cut off, but with time to read why.
void Server::refuse(Connection& client, const std::string& why) {
    tell(name_of(client.peer()) + " cut off: " + why);
    const auto now = Connection::Clock::now();
    client.closing = true;
    client.request_since = now;
    if (!client.send(wire::error_line(nullptr, ErrorCode::invalid_request, "cut off: " + why), now))
        return close(client.fd());
    settle(client);
}

// Cut off at once; the reason is sent as far as the socket takes it.
void Server::cut(int fd, const std::string& why) {
    Connection& client = *clients_.at(fd);
    tell(name_of(client.peer()) + " cut off: " + why);
    if (client.unsent() == 0)
        client.send(wire::error_line(nullptr, ErrorCode::invalid_request, "cut off: " + why), Connection::Clock::now());
    close(fd);
}

void Server::close(int fd) {
    loop_.forget(fd);
    const auto found = clients_.find(fd);
    if (found->second->when_gone) loop_.defer(std::move(found->second->when_gone));
    clients_.erase(found);
}

}  // namespace gabion::daemon
