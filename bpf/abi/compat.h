/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The same declarations as C for the kernel and as C++ for the host: fixed-width types and the assertions' one spelling. */
#ifndef GABION_ABI_COMPAT_H
#define GABION_ABI_COMPAT_H

#include <linux/types.h>

#ifdef __cplusplus
#define _Static_assert static_assert
#include <cstddef>
#else
#include <stddef.h>
#endif

#define GABION_ALIGNED(bytes) __attribute__((aligned(bytes)))

#endif
