// SPDX-License-Identifier: GPL-2.0-only
// vtepd's command line. Exit codes: 0 well, 1 failed, 2 wrong usage or configuration.
#include "config/config.h"
#include "daemon.h"
#include "datapath_choice.h"
#include "runtime/log.h"

#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInternal = 70;
constexpr const char* kDefaultConfig = "/etc/vtepd/vtepd.toml";

int report(const vtepd::Error& error, int code) {
  std::fprintf(stderr, "error: %s\n", error.what.c_str());
  return code;
}

int report(const vtepd::Result<void>& result) {
  return result ? 0 : report(result.error(), kFailed);
}

int check_config(const std::string& path) {
  const auto config = vtepd::load_config(path);
  if (!config) {
    return report(config.error(), kUsage);
  }
  std::printf("%s: well (instance %s)\n", path.c_str(), config->instance.c_str());
  return 0;
}

int run(const std::string& path) {
  const auto config = vtepd::load_config(path);
  if (!config) {
    return report(config.error(), kUsage);
  }
  if (const auto log = vtepd::start_log(config->log.level); !log) {
    return report(log.error(), kUsage);
  }
  return report(vtepd::run_daemon(*config));
}

int purge(const std::string& path, const std::string& instance, bool withdraw) {
  auto config = vtepd::load_config(path);
  if (!config) {
    return report(config.error(), kUsage);
  }
  if (!instance.empty() && instance != config->instance) {
    return report({vtepd::ErrorKind::Invalid,
                   path + " is of instance '" + config->instance + "', not '" + instance + "'"},
                  kUsage);
  }
  return report(vtepd::purge_instance(*config, withdraw));
}

int execute(int argc, char** argv) {
  CLI::App app{"vtepd - VXLAN overlay networks by BPF programs, or by the kernel's own devices"};
  app.set_version_flag("--version", VTEPD_VERSION);
  app.require_subcommand(1);
  std::string path = kDefaultConfig;
  std::string instance;
  bool withdraw = false;
  const auto with_config = [&](CLI::App* command) {
    command->add_option("-c,--config,file", path, "configuration file")->capture_default_str();
    return command;
  };
  auto* run_command = with_config(app.add_subcommand("run", "run the daemon in the foreground"));
  auto* check_command =
      with_config(app.add_subcommand("check-config", "check a configuration file"));
  auto* probe_command =
      app.add_subcommand("probe", "what this kernel can do, and which data path follows");
  auto* purge_command = with_config(app.add_subcommand(
      "purge", "take everything of the instance off this host: links, maps, pins, interfaces"));
  purge_command->add_option("--instance", instance, "refuse if the file is of another instance");
  purge_command->add_flag("--withdraw", withdraw, "withdraw its endpoints from the store as well");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "error: %s; `vtepd --help` shows the commands\n", error.what());
    return kUsage;
  }
  if (run_command->parsed()) {
    return run(path);
  }
  if (check_command->parsed()) {
    return check_config(path);
  }
  if (probe_command->parsed()) {
    return vtepd::print_probe();
  }
  return purge(path, instance, withdraw);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return execute(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: internal: %s\n", error.what());
    return kInternal;
  }
}
