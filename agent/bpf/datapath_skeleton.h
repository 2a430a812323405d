// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// The generated header uses the structs of the ABI without declaring them, and is not written to
// our warnings (it is found in a system folder).
#include "vtepd/abi.h"
//
#include "datapath.skel.h"
