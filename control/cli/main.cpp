// SPDX-License-Identifier: Apache-2.0
// gabion, the command line.
#include "control/cli/commands.h"

int main(int argc, char** argv) { return gabion::cli::run(argc, argv); }
