// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "base/result.h"
#include "core/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vtepd {

// Configuration of one daemon, with every default filled in. packaging/vtepd.toml describes each
// key for the operator.
struct Config {
  std::string instance = "default";  // [a-z0-9-]{1,32}

  struct Underlay {
    std::optional<IpAddress> address;  // exactly one of address and device
    std::string device;
    std::uint16_t port = 4789;
    std::string mode = "auto";  // "auto", "tc" or "xdp"
  } underlay;

  struct Store {
    std::string kind = "file";  // "file" or "consul"
    std::string prefix;         // in front of "docker/" and "vtepd/", without slashes at its ends
    std::string path;           // file; default: <paths.state>/store
    // The rest is for consul.
    std::vector<std::string> addresses;  // "http://host:port" or "https://host:port"
    std::string token_file;
    std::string ca_file;
    std::string cert_file;
    std::string key_file;
    std::string consistency = "default";  // of watches: "default", "consistent" or "stale"
    std::uint64_t body_limit = std::uint64_t{1} << 30U;
  } store;

  struct Gossip {
    std::string kind = "none";  // "none" or "serf"
    // An agent that is found running; without it vtepd starts one.
    std::optional<IpAddress> rpc_address;
    std::uint16_t rpc_port = 0;
    std::string rpc_auth_file;  // empty: it wants no key
    // The one that vtepd starts.
    std::string program = "serf";
    std::optional<IpAddress> bind;  // default: the VTEP address
    std::uint16_t port = 7946;
    std::string encrypt_key_file;  // empty: gossip is in clear
    // Nodes to contact besides those that the store lists, "host" or "host:port".
    std::vector<std::string> join;
  } gossip;

  struct Datapath {
    std::string kind = "auto";             // "auto", "bpf" or "kernel"
    std::string attach = "auto";           // "auto", "tcx" or "clsact"
    std::string endpoint_device = "veth";  // of new endpoints: "veth" or "netkit"
    std::string big_tcp = "auto";          // core/tcp_frame.h: "auto" or "off"
    std::string bpffs = "/sys/fs/bpf";
  } datapath;

  // Entries of the maps. An entry of fdb or neigh costs about 96 bytes of locked memory, so that
  // the defaults stay below 64 MiB an instance.
  struct Limits {
    std::uint32_t fdb = 262144;
    std::uint32_t neigh = 262144;
    std::uint32_t ports = 4096;
    std::uint32_t vnis = 1024;
    std::uint32_t peers = 4096;
  } limits;

  struct Api {
    std::string socket;  // default: <runtime_dir()>/api.sock
  } api;

  struct Log {
    std::string level = "info";  // "trace", "debug", "info", "warn" or "error"
  } log;

  struct Paths {
    std::string run = "/run/vtepd";
    std::string state = "/var/lib/vtepd";
  } paths;

  [[nodiscard]] std::string runtime_dir() const { return paths.run + "/" + instance; }

  [[nodiscard]] std::string state_dir() const { return paths.state + "/" + instance; }

  [[nodiscard]] std::string pin_dir() const { return datapath.bpffs + "/vtepd/" + instance; }
};

// True for a name that may be part of a path: [a-z0-9-]{1,32}.
[[nodiscard]] bool is_instance_name(std::string_view name);

// Where vtepctl finds the daemon of an instance unless it is told otherwise.
[[nodiscard]] std::string default_socket_path(std::string_view instance);

// Every mistake of the document is reported, one per line, as "<file>:<line>:<column>: <message>".
Result<Config> parse_config(std::string_view text, std::string_view file);

// Reads and parses a file. NotFound, Denied … if it cannot be read, Invalid if it is wrong.
Result<Config> load_config(const std::string& path);

}  // namespace vtepd
