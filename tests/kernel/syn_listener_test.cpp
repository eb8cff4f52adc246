// SPDX-License-Identifier: Apache-2.0
// SYNs answered with the listener's own cookie: what the answer tells, what happens while he makes none, and what such a cookie proves.
#include "bpf/lib/flow.h"
#include "bpf/lib/proven.h"
#include "tests/kernel/syn_bed.h"

namespace gabion::test {
namespace {

class SynListener : public Syn {
protected:
    void SetUp() override {
        Syn::SetUp();
        if (!IsSkipped()) control().syn.way = GABION_SYN_LISTENER;
    }
};

TEST_F(SynListener, AListenersCookieTellsTheMssAndNothingElse) {
    gabion_socket_notes& notes = host().values<gabion_socket_notes>("sockets")[0];
    notes.cookie = 0x8badf00d;
    control().syn.attended = now_ + 1'000'000;
    for (const bool v6 : {false, true}) {
        const Packet syn = v6 ? syn6() : syn4();
        engage(syn);
        ASSERT_EQ(reason(syn), GABION_REASON_SYN_ANSWERED);
        const auto& out = kernel_->output();
        const std::size_t l4 = v6 ? 54 : 34;
        EXPECT_EQ(at32(out, l4 + 4), 0x8badf00du);
        EXPECT_EQ(at32(out, l4 + 8), 78u);
        EXPECT_EQ(at32(out, l4 + 12) >> 16, 6u << 12 | 0x12) << "one word of options";
        EXPECT_EQ(at32(out, l4 + 20), 2u << 24 | 4u << 16 | (v6 ? 1440u : 1460u));
        expect_agreement();
    }
    EXPECT_EQ(control().syn.answered, 0u) << "none of ours is out";
    const TCP plain{.sport = 3, .dport = 80, .flags = 2};
    ASSERT_EQ(reason(Ethernet{} / IPv4{} / plain), GABION_REASON_SYN_ANSWERED);
    EXPECT_EQ(at32(kernel_->output(), 46) >> 28, 5u) << "no option was offered, none is told";
}

TEST_F(SynListener, AListenerThatMakesNoCookieHasRoomUnlessSomebodySeesToIt) {
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(reason(syn4()), GABION_REASON_CLEAN) << "no daemon";
    control().syn.attended = now_ + 10;
    EXPECT_EQ(reason(syn4()), GABION_REASON_SYN_FIRST) << "in a moment he will";
    now_ += 11;
    EXPECT_EQ(reason(syn4("192.0.2.99")), GABION_REASON_CLEAN) << "the daemon does not come by any more";
    EXPECT_EQ(reason(syn4("203.0.113.7", 40000, 81)), GABION_REASON_CLEAN) << "not engaged";
    EXPECT_EQ(control().syn.listener_answered, 0u);
}

TEST_F(SynListener, WhoMayHaveGuessedAListenersCookieIsVouchedForButNotProven) {
    gabion_syn_control& syn = control().syn;
    syn.believed_ticks = 1000;
    control().flood.any = control().flood.until[GABION_FLOOD_TCP] = now_ + 100'000;
    const auto ack = [](const char* source) {
        return Ethernet{} / IPv4{.source = source} / TCP{.sport = 9, .dport = 80, .flags = 16, .acknowledgment = 1};
    };
    const auto proven = [this](const char* source) {
        gabion_packet packet{};
        EXPECT_EQ(parse((Ethernet{} / IPv4{.source = source} / TCP{}).bytes(), packet), GABION_REASON_NONE);
        const auto lines = host().values<gabion_proven_bucket>("proven");
        const std::uint64_t hash = gabion_hash4(&control().hash, packet.source.word[0]);
        const auto mask = static_cast<std::uint32_t>(lines.size() - 1);
        return gabion_proof_holds(&lines[gabion_hash_index(hash, mask)], hash, now_, 10'000) != 0;
    };
    const auto hold = [this](const Packet& packet) {
        gabion_packet parsed{};
        EXPECT_EQ(parse(packet.bytes(), parsed), GABION_REASON_NONE);
        const gabion_flow_key key = gabion_flow_in(&parsed, &control().hash);
        host().values<gabion_socket_notes>("sockets")[0].note[0] = {key.bucket, key.tag, GABION_SOCKET_HELD, 0};
    };
    syn.listener_answered = now_ - 999;
    hold(ack("192.0.2.70"));
    EXPECT_EQ(reason(ack("192.0.2.70")), GABION_REASON_CLEAN);
    EXPECT_FALSE(proven("192.0.2.70"));
    now_++;
    EXPECT_EQ(reason(ack("192.0.2.70")), GABION_REASON_CLEAN) << "still vouched for";
    EXPECT_FALSE(proven("192.0.2.70")) << "and what it began with is not forgotten";
    hold(ack("192.0.2.71"));
    EXPECT_EQ(reason(ack("192.0.2.71")), GABION_REASON_CLEAN);
    EXPECT_TRUE(proven("192.0.2.71")) << "no such cookie is believed any more";
}

}  // namespace
}  // namespace gabion::test
