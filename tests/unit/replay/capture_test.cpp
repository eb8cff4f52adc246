// SPDX-License-Identifier: Apache-2.0
// Captures of every link type that is read, as frames.
#include "control/replay/capture.h"

#include <fstream>

#include "tests/unit/replay/capture_file.h"

namespace gabion::replay::test {
namespace {

using gabion::test::Ethernet;
using gabion::test::IPv4;
using gabion::test::IPv6;
using gabion::test::Payload;
using gabion::test::UDP;

constexpr std::size_t ethernet_bytes = 14;

Bytes frame4() { return (Ethernet{} / IPv4{} / UDP{} / Payload{40}).bytes(); }
Bytes frame6() { return (Ethernet{} / IPv6{} / UDP{} / Payload{40}).bytes(); }

// What is behind the Ethernet header, behind another one.
Bytes behind(const std::vector<unsigned>& header, const Bytes& frame) {
    Bytes packet;
    for (const unsigned byte : header)
        packet.push_back(std::byte(byte));
    packet.insert(packet.end(), frame.begin() + ethernet_bytes, frame.end());
    return packet;
}

Bytes only_frame_of(const std::string& path, const std::string& filter = {}) {
    auto capture = Capture::open(path, filter);
    if (!capture) {
        ADD_FAILURE() << capture.error().text;
        return {};
    }
    const auto frame = capture->next();
    if (!frame || !*frame) {
        ADD_FAILURE() << "no frame";
        return {};
    }
    Bytes bytes((*frame)->bytes.begin(), (*frame)->bytes.end());
    const auto behind_it = capture->next();
    EXPECT_TRUE(behind_it && !*behind_it) << "one frame, then the end";
    return bytes;
}

struct LinkCase {
    const char* what;
    int link;
    std::vector<unsigned> header4, header6;
};

class Links : public ::testing::TestWithParam<LinkCase> {};

TEST_P(Links, BecomeEthernet) {
    const auto& [what, link, header4, header6] = GetParam();
    for (const auto& [header, frame] : {std::pair{header4, frame4()}, std::pair{header6, frame6()}}) {
        CaptureFile file(link);
        file.add(behind(header, frame), 1);
        const Bytes read = only_frame_of(file.done());
        ASSERT_EQ(read.size(), frame.size()) << what;
        EXPECT_TRUE(std::equal(read.begin() + 12, read.end(), frame.begin() + 12)) << what;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Links,
                         ::testing::Values(LinkCase{"raw", DLT_RAW, {}, {}},
                                           LinkCase{"cooked",
                                                    DLT_LINUX_SLL,
                                                    {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0},
                                                    {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x86, 0xdd}},
                                           LinkCase{"cooked 2",
                                                    DLT_LINUX_SLL2,
                                                    {8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0},
                                                    {0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}},
                                           LinkCase{"BSD loopback", DLT_NULL, {2, 0, 0, 0}, {30, 0, 0, 0}}),
                         [](const auto& one) {
                             std::string name = one.param.what;
                             std::erase(name, ' ');
                             return name;
                         });

TEST(Capture, KeepsEthernetAsItIs) {
    CaptureFile file;
    file.add(frame4(), 1);
    EXPECT_EQ(only_frame_of(file.done()), frame4());
}

TEST(Capture, FillsWhatTheSnapLengthCutOff) {
    CaptureFile file;
    const Bytes whole = frame4();
    file.add(whole, 1, 50);
    const Bytes read = only_frame_of(file.done());
    ASSERT_EQ(read.size(), whole.size());
    EXPECT_TRUE(std::equal(read.begin(), read.begin() + 50, whole.begin()));
    EXPECT_EQ(read.back(), std::byte{0});
}

TEST(Capture, TellsTimesInNanoseconds) {
    CaptureFile file;
    file.add(frame4(), 7.25);
    auto capture = Capture::open(file.done());
    ASSERT_TRUE(capture) << capture.error().text;
    const auto frame = capture->next();
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->time_ns, 7'250'000'000u);
}

TEST(Capture, LeavesOutWhatTheFilterDoesNotMatch) {
    CaptureFile file;
    file.add(frame6(), 1);
    file.add(frame4(), 2);
    EXPECT_EQ(only_frame_of(file.done(), "ip"), frame4());
}

TEST(Capture, SaysWhatIsWrong) {
    CaptureFile file;
    file.add(frame4(), 1);
    const auto text = [](const auto& capture) { return capture ? "" : capture.error().text; };
    EXPECT_NE(text(Capture::open("/nonexistent/file.pcap")).find("/nonexistent/file.pcap"), std::string::npos);
    EXPECT_NE(text(Capture::open(file.done(), "host host")).find("the filter 'host host'"), std::string::npos);
    CaptureFile radio(DLT_IEEE802_11);
    radio.add(frame4(), 1);
    EXPECT_NE(text(Capture::open(radio.done())).find("IEEE802_11, which is not read"), std::string::npos);
    std::ofstream(file.done()) << "this is no capture";
    EXPECT_NE(text(Capture::open(file.done())), "");
}

TEST(Capture, SaysWhereAFileEndsInTheMiddle) {
    CaptureFile file;
    for (int i = 0; i < 3; i++)
        file.add(frame4(), i);
    ASSERT_EQ(::truncate(file.done().c_str(), 24 + 2 * static_cast<long>(16 + frame4().size()) + 20), 0);
    auto capture = Capture::open(file.done());
    ASSERT_TRUE(capture);
    EXPECT_TRUE(capture->next() && capture->next());
    EXPECT_FALSE(capture->next()) << "cut short is an error, not the end";
}

}  // namespace
}  // namespace gabion::replay::test
