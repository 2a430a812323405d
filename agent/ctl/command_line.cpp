// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/command_line.h"

#include "config/config.h"
#include "config/suggest.h"
#include "ctl/arguments.h"
#include "ctl/help.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

namespace vtepd::ctl {

namespace {

// CLI11 prints a flag with an optional value as "--wait{10}".
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(kColumn);
    label("REQUIRED", "(required)");
    label("TEXT", "VALUE");
  }

  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    const auto name = CLI::Formatter::make_option_name(option, positional);
    return name.substr(0, name.find('{'));
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_name() == "--wait" ? "[=SECONDS]" : CLI::Formatter::make_option_opts(option);
  }

 private:
  static constexpr std::size_t kColumn = 30;
};

class Parser {
 public:
  Parser() : app_(kSummary, "vtepctl") {
    app_.footer(kFooter);
    app_.require_subcommand(1);
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.set_version_flag("--version", "vtepctl " VTEPD_VERSION);
    add_globals(app_);
    add_network();
    add_attach();
    add_detach();
    add_address();
    add_show();
    add_mending();
    leaf(app_, "version", "print the version", Action::Version);
  }

  Parsed parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::Success& success) {
      std::ostringstream out;
      app_.exit(success, out, out);
      return {.command = {}, .exit_code = kOk, .out = out.str(), .err = {}};
    } catch (const CLI::ExtrasError&) {
      return usage(wrong_argument());
    } catch (const CLI::Error& error) {
      return usage(error.what());
    }
    if (const auto mistake = convert(texts_, command_)) {
      return usage(*mistake);
    }
    return {.command = command_, .exit_code = kOk, .out = {}, .err = {}};
  }

 private:
  Parsed usage(const std::string& what) {
    std::string line = what;
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::string path = "vtepctl";
    const CLI::App* app = &app_;
    while (!app->get_subcommands().empty()) {
      app = app->get_subcommands().front();
      path += " " + app->get_name();
    }
    if (app->get_require_subcommand_min() > 0) {
      line = wrong_command(*app);
    }
    return {.command = {},
            .exit_code = kUsage,
            .out = {},
            .err = "error: " + line + "; see " + path + " --help\n"};
  }

  // What is wrong with a command line that has more than its command takes.
  std::string wrong_argument() {
    const CLI::App* app = &app_;
    std::vector<std::string> options;
    while (!app->get_subcommands().empty()) {
      app = app->get_subcommands().front();
    }
    for (const auto* option : app->get_options()) {
      options.push_back(option->get_name());
    }
    const auto rest = app_.remaining(true);
    const std::string word = rest.empty() ? "" : rest.front();
    if (word.rfind('-', 0) != 0) {
      return "unexpected argument '" + word + "'";
    }
    const auto near = nearest(word.substr(0, word.find('=')), options);
    return "unknown option '" + word + "'" + (near.empty() ? "" : ", did you mean '" + near + "'?");
  }

  // What is wrong with a command line that stops short of a command.
  static std::string wrong_command(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
    }
    const auto rest = app.remaining();
    if (rest.empty()) {
      return "a command is missing, one of " + list_of(names, "and");
    }
    const auto near = nearest(rest.front(), names);
    return (rest.front().front() == '-' ? "no option '" : "no command '") + rest.front() + "'" +
           (near.empty() ? "" : ", did you mean '" + near + "'?");
  }

  void add_globals(CLI::App& app) {
    const auto* group = "Everywhere";
    app.add_option("--instance", command_.instance, "of which daemon (default)")->group(group);
    app.add_option("--socket", command_.socket, "its socket (/run/vtepd/INSTANCE/api.sock)")
        ->group(group);
    app.add_flag("--json", command_.json, "print JSON")->group(group);
  }

  CLI::App* leaf(CLI::App& parent, const std::string& name, const std::string& text,
                 Action action) {
    auto* app = parent.add_subcommand(name, text);
    app->callback([this, action] { command_.action = action; });
    if (action != Action::Version) {
      add_globals(*app);
    }
    return app;
  }

  // An option that may be given again, or with several values between commas.
  static CLI::Option* list(CLI::App* app, const char* name, std::vector<std::string>& target,
                           const char* text, const char* type) {
    return app->add_option(name, target, text)
        ->allow_extra_args(false)
        ->delimiter(',')
        ->type_name(type);
  }

  void add_network() {
    auto& group = *app_.add_subcommand("network", "make, list, look at and remove networks");
    group.require_subcommand(1);
    auto* create = leaf(group, "create", "make a network", Action::NetworkCreate);
    create->footer(kNetworkCreateFooter);
    create->add_option("NAME", command_.create.name)->required();
    list(create, "--subnet", texts_.subnets, "one IPv4 subnet, and one of IPv6 if wanted", "CIDR")
        ->required();
    create->add_option("--vni", texts_.vni, "VXLAN network identifier (the lowest free from 256)");
    create->add_option("--mtu", texts_.mtu, "of the endpoints' interfaces (1450)");
    create->add_option("--address-space", command_.create.address_space,
                       "subnets of different spaces may overlap (GlobalDefault)");
    leaf(group, "list", "list the networks", Action::NetworkList);
    leaf(group, "inspect", "show one network", Action::NetworkInspect)
        ->add_option("NAME", command_.network, "name, id or 8 digits of it and more")
        ->required();
    leaf(group, "rm", "remove a network without endpoints", Action::NetworkRemove)
        ->add_option("NAME", command_.network, "name, id or 8 digits of it and more")
        ->required();
  }

  void add_attach() {
    auto* attach =
        leaf(app_, "attach", "give a namespace an interface on a network", Action::Attach);
    attach->footer(kAttachFooter);
    auto& request = command_.attach;
    attach->add_option("NETWORK", request.network)->required();
    attach->add_option("--netns", texts_.netns, "namespace: name or path")->required();
    attach->add_option("--ifname", request.ifname, "interface there (the first free ethN)");
    list(attach, "--ip", texts_.addresses, "address, one of each family (from the pool)",
         "ADDRESS");
    attach->add_option("--mac", texts_.mac, "MAC address (made from the IPv4 address)");
    attach->add_option("--name", request.name, "name of the endpoint (made from its id)");
    attach->add_flag("--wait{10}", texts_.wait, "until the other hosts know it, 10 s at most");
    list(attach, "--allow-address", texts_.allowed_addresses,
         "further source addresses, for routers and VRRP", "CIDR");
    list(attach, "--allow-mac", texts_.allowed_macs, "further source MACs, for bridges and VMs",
         "MAC");
    attach->add_flag("--no-source-check", texts_.no_source_check,
                     "let frames from any source address out");
  }

  void add_detach() {
    auto* detach = leaf(app_, "detach", "take an endpoint away", Action::Detach);
    detach->footer(kDetachFooter);
    detach
        ->add_option("ENDPOINT", texts_.target,
                     "id, 8 digits of it and more, name or host interface; "
                     "with --netns the network")
        ->required();
    detach->add_option("--netns", texts_.netns, "namespace: name or path");
    detach->add_option("--ifname", command_.detach.ifname, "interface there, if it has several");
  }

  void add_address() {
    auto& group = *app_.add_subcommand("address", "give endpoints further addresses, or take them");
    group.require_subcommand(1);
    const auto add = [&](const char* name, const char* text, Action action) {
      auto* app = leaf(group, name, text, action);
      app->add_option("ENDPOINT", command_.address.endpoint,
                      "id, 8 digits of it and more, name or host interface; of this host")
          ->required();
      app->add_option("IP", texts_.address, "without prefix length")->required();
      return app;
    };
    auto* put =
        add("add", "let an endpoint hold an address, whoever has it now", Action::AddressAdd);
    put->add_option("--mac", texts_.mac, "MAC that answers for it (the endpoint's own)");
    put->footer(kAddressFooter);
    add("del", "let go of it", Action::AddressDelete);
  }

  void add_show() {
    auto& group = *app_.add_subcommand("show", "what is there now, also while the daemon is down");
    group.require_subcommand(1);
    const auto add = [&](const char* name, const char* text, Action action, bool by_network) {
      auto* app = leaf(group, name, text, action);
      app->add_option("--bpffs", command_.bpffs,
                      "where pins are, if the daemon is down (/sys/fs/bpf)");
      app->add_option("--state", command_.state,
                      "where state is, if the daemon is down (/var/lib/vtepd)");
      if (by_network) {
        app->add_option("--network", command_.network, "only this network")->type_name("NAME");
      }
      return app;
    };
    add("fdb", "which MAC address is where", Action::ShowFdb, true);
    add("neigh", "which MAC address answers for which address", Action::ShowNeigh, true);
    add("vteps", "the hosts", Action::ShowVteps, false);
    auto* endpoints = add("endpoints", "the endpoints of all hosts", Action::ShowEndpoints, true);
    endpoints->add_flag("--stale", command_.stale, "only those that nobody is behind any more");
    endpoints->footer(kEndpointsFooter);
    add("drops", "frames dropped or not taken, by reason", Action::ShowDrops, true)
        ->add_flag("--all", command_.all, "frames forwarded, too");
    add("status", "health; exit code 0 well, 1 degraded, 2 down", Action::ShowStatus, false)
        ->footer(kStatusFooter);
  }

  void add_mending() {
    leaf(app_, "diff", "store against gossip against tables", Action::Diff)->footer(kDiffFooter);
    auto* repair = leaf(app_, "repair", "mend what `diff` finds", Action::Repair);
    repair->add_flag("--dry-run", command_.repair.dry_run, "only print what would be done");
    repair->add_option("--host", texts_.host, "remove what this VTEP left, which must be gone")
        ->type_name("VTEP");
    repair->add_flag("--leaked", command_.repair.leaked,
                     "free addresses and VNIs that merely nobody has");
    repair->footer(kRepairFooter);
  }

  CLI::App app_;
  Command command_;
  Arguments texts_;
};

}  // namespace

std::string Command::socket_path() const {
  return socket.empty() ? default_socket_path(instance) : socket;
}

Parsed parse_command_line(const std::vector<std::string>& arguments) {
  return Parser().parse(arguments);
}

}  // namespace vtepd::ctl
