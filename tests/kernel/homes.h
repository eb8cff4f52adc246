// SPDX-License-Identifier: Apache-2.0
// Both homes of the pipeline side by side: every packet that a test sends goes through the kernel and through the host, which must
// agree on it. The tables are written on the host and copied. Beside them the same packet comes in by an inline pair, which has two
// backends that must agree on it likewise (backends.h). Keeps a list of the reasons that the whole suite has produced.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/queue.h"
#include "dataplane/ban/address_set.h"
#include "tests/kernel/backends.h"
#include "tests/kernel/kernel_pipeline.h"
#include "tests/support/packet.h"

namespace gabion::test {

class Homes : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override { expect_agreement(); }

    // Entries of a set, in force from the next packet on. For timed sets `value` is an expiry.
    ban::Place put(gabion_set set, const std::string& target, std::uint32_t value = GABION_FOREVER);
    void take(gabion_set set, const std::string& target);  // and its length out of the list
    gabion_quarantine& quarantine(const std::string& target, std::uint32_t value = GABION_FOREVER);
    void allow(const std::string& target, std::uint32_t skips);
    void remember(const std::string& address);  // known from calm times
    void prove(const std::string& address);     // completed a handshake lately
    gabion_destination& protect(const std::string& address, std::uint32_t index = 0);
    // As the egress program does when the answer to, or the cause of, `in` leaves. `group`: it went to one, so that anybody may answer.
    void vouch(const Bytes& in, gabion_flow_kind kind, std::uint32_t grants, bool group = false);
    void vouch(const Packet& in, gabion_flow_kind kind, std::uint32_t grants) { vouch(in.bytes(), kind, grants); }
    // A worker on queue 0.
    void employ(std::uint32_t limit = 256, std::uint32_t frame_bytes_max = 2048);

    // Through both homes. The first call after a table changed copies the tables.
    HostPipeline::Verdict run(const Bytes& frame, std::uint32_t queue = 0);
    gabion_reason reason(const Packet& packet) { return run(packet.bytes()).reason; }
    gabion_reason reason(const Bytes& frame) { return run(frame).reason; }
    int passed(const Packet& packet, int count);  // of so many
    // By the inside port of the pair, where host mode has none.
    void from_inside(const Bytes& frame);

    // For writing tables. Until now the homes must have kept the same; from now on the next packet waits for a copy.
    HostPipeline& host();
    gabion_control& control() { return host().control(); }
    gabion_cpu& cpu() { return host().cpu(); }
    void expect_agreement();

    std::uint32_t now_ = 1'000'000;
    std::shared_ptr<KernelPipeline> kernel_;  // one for all tests of the same settings: the verifier takes its time
    std::unique_ptr<Backends> pair_;          // none where DPDK is missing

private:
    ban::AddressSet& set(gabion_set which);
    void load();

    HostPipeline host_;
    std::array<std::unique_ptr<ban::AddressSet>, GABION_SET_COUNT> sets_;
    bool dirty_ = true;
};

// Everything that any test of this program has produced so far.
std::array<std::uint64_t, GABION_REASON_COUNT>& reasons_produced();

// Rounds for sweeps: `usual`, or `all` when GABION_LONG=1.
std::uint64_t rounds(std::uint64_t usual, std::uint64_t all);

const char* reason_name(gabion_reason reason);

}  // namespace gabion::test

// So that a failed comparison names the reason.
inline void PrintTo(gabion_reason reason, std::ostream* out) { *out << gabion::test::reason_name(reason); }
