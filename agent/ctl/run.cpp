// SPDX-License-Identifier: GPL-2.0-only
#include "ctl/run.h"

#include "api/json_codec.h"
#include "ctl/client.h"
#include "ctl/exchange.h"
#include "ctl/render.h"
#include "ctl/text_table.h"

#include <algorithm>
#include <chrono>
#include <ostream>

namespace vtepd::ctl {

namespace {

// A whole store is read, and a dead host may have left thousands of endpoints.
constexpr std::chrono::seconds kMending{600};

// Has the daemon do something and decodes its answer; a failure is reported already.
template <typename T>
std::optional<T> ask(const Command& command, const char* method, const std::string& target,
                     const std::string& body, std::ostream& err,
                     std::chrono::seconds more = std::chrono::seconds(0)) {
  const auto answer = exchange<T>(command.socket_path(), method, target, body, kPatience + more);
  if (!answer) {
    report(answer.error().error.what, err);
    return std::nullopt;
  }
  return *answer;
}

// Takes something away. Repeating it must be safe, so what is not there any more is not a failure;
// the answer still says so, because it may also be a typing mistake.
template <typename T>
std::optional<T> take_away(const Command& command, const char* method, const std::string& target,
                           const std::string& body, std::ostream& out, std::ostream& err,
                           int& code) {
  const auto answer = exchange<T>(command.socket_path(), method, target, body, kPatience);
  code = kOk;
  if (answer) {
    return *answer;
  }
  if (answer.error().error.kind == ErrorKind::NotFound && !answer.error().not_running) {
    out << (command.json ? "{\"schema\": 1, \"found\": false}\n"
                         : "nothing to do: " + printable(answer.error().error.what) + "\n");
  } else {
    code = report(answer.error().error.what, err);
  }
  return std::nullopt;
}

template <typename T>
int print(const Command& command, const T& value, const std::string& text, std::ostream& out) {
  out << (command.json ? *indented_json(to_json(value)) : text);
  return kOk;
}

int network_create(const Command& command, std::ostream& out, std::ostream& err) {
  const auto network =
      ask<NetworkView>(command, "POST", "/v1/networks", to_json(command.create), err);
  if (!network) {
    return kFailed;
  }
  return print(command, *network, render(*network), out);
}

int network_list(const Command& command, std::ostream& out, std::ostream& err) {
  const auto networks = ask<std::vector<NetworkView>>(command, "GET", "/v1/networks", "", err);
  return networks ? print(command, *networks, render(*networks), out) : kFailed;
}

int network_inspect(const Command& command, std::ostream& out, std::ostream& err) {
  const auto network =
      ask<NetworkView>(command, "GET", "/v1/networks/" + percent_encoded(command.network), "", err);
  return network ? print(command, *network, render(*network), out) : kFailed;
}

int network_remove(const Command& command, std::ostream& out, std::ostream& err) {
  int code = kOk;
  const auto network = take_away<NetworkView>(
      command, "DELETE", "/v1/networks/" + percent_encoded(command.network), "", out, err, code);
  if (!network) {
    return code;
  }
  return print(command, *network, "removed network " + printable(network->name) + "\n", out);
}

std::string missing_hosts(const AttachReply& reply) {
  std::string text;
  for (const auto& host : reply.hosts) {
    if (host.state == "missing") {
      text += (text.empty() ? "" : ", ") + host.vtep.to_string() +
              (host.host.empty() ? "" : " (" + printable(host.host) + ")");
    }
  }
  return text;
}

int attach(const Command& command, std::ostream& out, std::ostream& err) {
  const auto wait = command.attach.wait.value_or(std::chrono::seconds(0));
  const auto reply =
      ask<AttachReply>(command, "POST", "/v1/endpoints", to_json(command.attach), err, wait);
  if (!reply) {
    return kFailed;
  }
  print(command, *reply, render(*reply), out);
  if (reply->timed_out) {
    report("attached, but not confirmed within " + std::to_string(wait.count()) + " s by " +
               missing_hosts(*reply) + "; look at vtepd there",
           err);
    return kTimedOut;
  }
  return kOk;
}

int detach(const Command& command, std::ostream& out, std::ostream& err) {
  int code = kOk;
  const auto endpoint = take_away<EndpointView>(command, "POST", "/v1/endpoints/detach",
                                                to_json(command.detach), out, err, code);
  if (!endpoint) {
    return code;
  }
  return print(command, *endpoint,
               "detached: " + printable(endpoint->name) + " from network " +
                   printable(endpoint->network) + "\n",
               out);
}

int address_add(const Command& command, std::ostream& out, std::ostream& err) {
  const auto endpoint =
      ask<EndpointView>(command, "POST", "/v1/addresses", to_json(command.address), err);
  return endpoint
             ? print(command, *endpoint,
                     printable(endpoint->name) + " of network " + printable(endpoint->network) +
                         " holds " + command.address.address.to_string() + "\n",
                     out)
             : kFailed;
}

int address_delete(const Command& command, std::ostream& out, std::ostream& err) {
  int code = kOk;
  const auto endpoint = take_away<EndpointView>(command, "POST", "/v1/addresses/remove",
                                                to_json(command.address), out, err, code);
  if (!endpoint) {
    return code;
  }
  return print(
      command, *endpoint,
      printable(endpoint->name) + " no longer holds " + command.address.address.to_string() + "\n",
      out);
}

int diff(const Command& command, std::ostream& out, std::ostream& err) {
  const auto rows =
      ask<std::vector<DifferenceView>>(command, "GET", "/v1/differences", "", err, kMending);
  if (!rows) {
    return kTrouble;
  }
  print(command, *rows, rows->empty() ? "no difference\n" : render(*rows), out);
  return rows->empty() ? kOk : kDifferent;
}

int repair(const Command& command, std::ostream& out, std::ostream& err) {
  const auto reply =
      ask<RepairReply>(command, "POST", "/v1/repair", to_json(command.repair), err, kMending);
  if (!reply) {
    return kFailed;
  }
  print(command, *reply, reply->actions.empty() ? "nothing to mend\n" : render(*reply), out);
  const bool all_done = std::all_of(
      reply->actions.begin(), reply->actions.end(),
      [](const RepairView& action) { return action.state == "done" || action.state == "planned"; });
  return all_done ? kOk : kFailed;
}

int execute(const Command& command, std::ostream& out, std::ostream& err) {
  switch (command.action) {
    case Action::NetworkCreate:
      return network_create(command, out, err);
    case Action::NetworkList:
      return network_list(command, out, err);
    case Action::NetworkInspect:
      return network_inspect(command, out, err);
    case Action::NetworkRemove:
      return network_remove(command, out, err);
    case Action::Attach:
      return attach(command, out, err);
    case Action::Detach:
      return detach(command, out, err);
    case Action::AddressAdd:
      return address_add(command, out, err);
    case Action::AddressDelete:
      return address_delete(command, out, err);
    case Action::Diff:
      return diff(command, out, err);
    case Action::Repair:
      return repair(command, out, err);
    case Action::Version:
      out << "vtepctl " VTEPD_VERSION "\n";
      return kOk;
    default:
      return show(command, out, err);
  }
}

}  // namespace

int report(const std::string& what, std::ostream& err) {
  err << "error: " << printable(what) << "\n";
  return kFailed;
}

int run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  const auto parsed = parse_command_line(arguments);
  out << parsed.out;
  err << parsed.err;
  if (!parsed.command) {
    return parsed.exit_code;
  }
  return execute(*parsed.command, out, err);
}

}  // namespace vtepd::ctl
