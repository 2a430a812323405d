// SPDX-License-Identifier: GPL-2.0-only
#include "serf/agent_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

namespace vtepd::serf {

namespace {

constexpr int kPatience = 3000;  // milliseconds, for the end of the agent
constexpr int kCannotRun = 127;

// Runs in the child between fork and exec of a program with threads: async-signal-safe calls only.
[[noreturn]] void become(char* const* argv, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(kCannotRun);  // it died before the line above
  }
  // Not in the terminal's foreground group: it ends when vtepd says so.
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) {
    ::signal(number, SIG_DFL);
  }
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::execvp(argv[0], argv);
  const char* reason = ::strerrordesc_np(errno);
  for (const char* part : {"cannot run ", static_cast<const char*>(argv[0]), ": ", reason, "\n"}) {
    (void)!::write(STDERR_FILENO, part, std::strlen(part));
  }
  ::_exit(kCannotRun);
}

// glibc 2.36 declares these two for C only.
int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

void send_signal(int pidfd, int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

std::string describe(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) {
    return "with status " + std::to_string(info.si_status);
  }
  return std::string("by SIG") + ::sigabbrev_np(info.si_status);
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return fail_errno(errno, path);
    }
    bytes.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

std::string AgentConfig::to_json() const {
  nlohmann::json json{{"node_name", node},
                      {"bind", bind},
                      {"rpc_addr", rpc.to_string()},
                      {"rpc_auth", rpc_key},
                      {"log_level", "info"}};
  if (!encrypt_key.empty()) {
    json["encrypt_key"] = encrypt_key;
  }
  return json.dump(2) + "\n";
}

Result<std::string> random_key() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail_errno(errno, "getrandom");
  }
  std::string key;
  for (const unsigned byte : bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    key += kDigits[byte >> 4U];
    key += kDigits[byte & 15U];
  }
  return key;
}

Result<std::uint16_t> free_port(const IpAddress& loopback) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(loopback.to_v4());
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd.valid() || ::bind(fd.get(), generic, size) != 0 ||
      ::getsockname(fd.get(), generic, &size) != 0) {
    return fail_errno(errno, "a port for serf's RPC on " + loopback.to_string());
  }
  return ntohs(address.sin_port);
}

Result<void> write_secret_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  // One that a crash left behind may have been made by anybody's umask.
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, temporary);
  }
  const UniqueFd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    return fail_errno(errno, temporary);
  }
  if (auto written = write_all(fd.get(), content, temporary); !written) {
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail_errno(errno, path);
  }
  return {};
}

Result<std::unique_ptr<AgentProcess>> AgentProcess::start(
    const std::string& program, const std::string& config_path,
    std::function<void(const std::string&)> on_line) {
  std::vector<std::string> words{program, "agent", "-protocol=4", "-config-file=" + config_path};
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail_errno(errno, "a pipe for serf's output");
  }
  UniqueFd output(ends[0]);
  const UniqueFd input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return fail_errno(errno, "starting " + program);
  }
  if (pid == 0) {
    become(argv.data(), input.get(), parent);
  }
  UniqueFd exit(open_pidfd(pid));
  if (!exit.valid()) {
    const int number = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno(number, "watching " + program);
  }
  return std::unique_ptr<AgentProcess>(
      new AgentProcess(pid, std::move(exit), std::move(output), std::move(on_line)));
}

AgentProcess::AgentProcess(pid_t pid, UniqueFd exit, UniqueFd output,
                           std::function<void(const std::string&)> on_line)
    : pid_(pid), exit_(std::move(exit)), output_(std::move(output)), lines_(std::move(on_line)) {}

AgentProcess::~AgentProcess() {
  signal(SIGTERM);
  if (!wait_for_end(kPatience)) {
    signal(SIGKILL);
    wait_for_end(-1);
  }
}

bool AgentProcess::wait_for_end(int milliseconds) {
  const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (!ended()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (milliseconds >= 0 && left <= 0) {
      return false;
    }
    // Its output is read on: a full pipe would keep it from ending.
    std::array<pollfd, 2> fds{{{exit_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), milliseconds < 0 ? -1 : static_cast<int>(left));
    if (fds[1].revents != 0) {
      read_output();
    }
  }
  return true;
}

bool AgentProcess::read_output() {
  std::array<char, 16384> buffer{};
  const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
  if (count > 0) {
    lines_.feed({buffer.data(), static_cast<std::size_t>(count)});
    return true;
  }
  const bool later = count < 0 && (errno == EAGAIN || errno == EINTR);
  if (!later) {
    output_.reset();  // else poll would report its end again and again
  }
  return later;
}

// By the descriptor, so that a pid which was used again is never hit.
void AgentProcess::signal(int number) const {
  if (!reaped_) {
    send_signal(exit_.get(), number);
  }
}

std::optional<std::string> AgentProcess::ended() {
  siginfo_t info{};
  if (reaped_) {
    return "earlier";
  }
  if (::waitid(P_PIDFD, static_cast<id_t>(exit_.get()), &info, WEXITED | WNOHANG) != 0 ||
      info.si_pid == 0) {
    return std::nullopt;
  }
  reaped_ = true;
  while (output_.valid() && read_output()) {
    pollfd more{output_.get(), POLLIN, 0};
    if (::poll(&more, 1, 0) <= 0) {
      break;
    }
  }
  const auto& trouble = lines_.trouble();
  return describe(info) + (trouble.empty() ? "" : ": " + trouble);
}

}  // namespace vtepd::serf
