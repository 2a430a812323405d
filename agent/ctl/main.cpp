// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/run.h"

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
  try {
    const int code = vtepd::ctl::run({argv + 1, argv + argc}, std::cout, std::cerr);
    std::cout.flush();
    if (!std::cout) {
      return vtepd::ctl::report("cannot write to the standard output", std::cerr);
    }
    return code;
  } catch (const std::exception& error) {
    return vtepd::ctl::report(error.what(), std::cerr);
  }
}
