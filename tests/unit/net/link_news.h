// SPDX-License-Identifier: Apache-2.0
// News of one link, as the kernel tells it.
#pragma once

#include "dataplane/net/link_watch.h"

namespace gabion::net {

inline LinkBatch news(const Link& link, bool removed = false) {
    LinkBatch batch;
    batch.news.push_back({removed, link});
    return batch;
}

}  // namespace gabion::net
