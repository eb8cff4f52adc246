// SPDX-License-Identifier: Apache-2.0
// A capture file made for one test, gone behind it.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "tests/support/packet.h"

namespace gabion::replay::test {

using gabion::test::Bytes;

class CaptureFile {
public:
    explicit CaptureFile(int link = DLT_EN10MB) {
        const int fd = ::mkstemp(path_.data());
        if (fd >= 0) ::close(fd);
        handle_ = pcap_open_dead_with_tstamp_precision(link, 65535, PCAP_TSTAMP_PRECISION_NANO);
        dump_ = pcap_dump_open(handle_, path_.c_str());
        if (dump_ == nullptr) ADD_FAILURE() << pcap_geterr(handle_);
    }
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;
    ~CaptureFile() {
        done();
        pcap_close(handle_);
        ::unlink(path_.c_str());
    }

    // `kept`: of how many bytes the capture knows, 0 = all.
    void add(const Bytes& frame, double time_s, std::size_t kept = 0) {
        pcap_pkthdr header{};
        header.ts.tv_sec = static_cast<long>(time_s);
        header.ts.tv_usec = static_cast<long>((time_s - static_cast<double>(header.ts.tv_sec)) * 1e9);
        header.len = static_cast<bpf_u_int32>(frame.size());
        header.caplen = kept == 0 ? header.len : static_cast<bpf_u_int32>(kept);
        pcap_dump(reinterpret_cast<u_char*>(dump_), &header, reinterpret_cast<const u_char*>(frame.data()));
    }

    // Written out; the name to open it by.
    const std::string& done() {
        if (dump_ != nullptr) pcap_dump_close(dump_);
        dump_ = nullptr;
        return path_;
    }

private:
    std::string path_ = "/tmp/gabion-capture-XXXXXX";
    pcap_t* handle_ = nullptr;
    pcap_dumper_t* dump_ = nullptr;
};

}  // namespace gabion::replay::test
