// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel stage with marks that measure: the very same program on the same maps, put in the place of the ordinary one while
// somebody profiles it. What it decides and counts is what the ordinary one would.
#include "profile.h"

#include "gabion.bpf.c"
