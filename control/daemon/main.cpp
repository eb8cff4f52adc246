// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/appliance.h"
#include "control/daemon/run.h"

int main(int argc, char** argv) { return gabion::daemon::run_gabiond(argc, argv, gabion::daemon::Appliance::make); }
