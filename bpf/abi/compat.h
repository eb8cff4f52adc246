/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The same declarations as C for the kernel and as C++ for the host: fixed-width types, assertions, casts. */
#ifndef GABION_ABI_COMPAT_H
#define GABION_ABI_COMPAT_H

#include <linux/types.h>

#ifdef __cplusplus
#define _Static_assert static_assert
#include <cstddef>
#define GABION_CAST(type, value) static_cast<type>(value)
#else
#include <stddef.h>
#define GABION_CAST(type, value) ((type)(value))
#endif

#define GABION_ALIGNED(bytes) __attribute__((aligned(bytes)))

#endif
