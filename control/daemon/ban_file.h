// SPDX-License-Identifier: Apache-2.0
// Lists of addresses and prefixes, one a line; blank lines and what follows a '#' do not count. All or nothing: the first bad line
// is named and nothing is returned.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/address.h"
#include "dataplane/core/mapping.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

// `name` is what errors call the file. 0.0.0.0/0 and ::/0 are refused unless `force`. `Error::code` is EBADMSG.
Result<std::vector<Prefix>> parse_ban_file(std::string_view text, const std::string& name, bool force);

// The text of a file that a client sent, mapped for reading. Only a sealed memfd is taken: it can neither change nor shrink nor make
// the reader wait, and it holds what the client itself could read.
Result<Mapping> map_sealed(int fd);

// Whether a target covers every address of its family.
inline bool is_everything(const Prefix& target) { return target.length == 0; }
Error refuse_everything(const Prefix& target);

}  // namespace gabion::daemon
