// SPDX-License-Identifier: BSD-2-Clause
// What every part of the addon shares: N-API with C++ exceptions, file descriptors that close themselves, and errors
// that carry code, errno, syscall and libbpf's log. Holds no state but a per-thread log sink: workers may load it.
#pragma once

#define NAPI_VERSION 8
#define NAPI_CPP_EXCEPTIONS
#include <napi.h>

#include <cstdint>
#include <string>

namespace havip {

// Attach types of kernel 6.6 and later; the packaged uapi headers are of 6.1 and libbpf 1.1 has no names for them.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;

/** A descriptor that is closed with its scope unless released to somebody else. */
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { Reset(); }
  Fd(const Fd &) = delete;
  Fd &operator=(const Fd &) = delete;
  int Get() const { return fd_; }
  bool Open() const { return fd_ >= 0; }
  int Release();
  void Reset(int fd = -1);

 private:
  int fd_;
};

/** Collects what libbpf prints on this thread while it lives; debug lines are left out, they drown the verifier. */
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog &) = delete;
  LibbpfLog &operator=(const LibbpfLog &) = delete;
  const std::string &Text() const { return text_; }
  static void Install();

 private:
  std::string text_;
  LibbpfLog *outer_;
};

/** A JS Error "SYSCALL SUBJECT: reason" with code, errno, syscall, and log where libbpf said something. */
Napi::Error MakeError(Napi::Env env, int error, const char *syscall, const std::string &subject,
                      const std::string &log = "");

/** Throws it. */
[[noreturn]] void Throw(Napi::Env env, int error, const char *syscall, const std::string &subject,
                        const std::string &log = "");

/** For libbpf calls, which return -errno. */
int CheckBpf(Napi::Env env, int result, const char *syscall, const std::string &subject,
             const std::string &log = "");

/** For system calls, which return -1 and set errno. */
int CheckSys(Napi::Env env, int result, const char *syscall, const std::string &subject);

/** A duplicate that dies at exec. */
int Duplicate(Napi::Env env, int fd);

int IntArg(const Napi::CallbackInfo &info, size_t index);
std::string StringArg(const Napi::CallbackInfo &info, size_t index);
Napi::Buffer<uint8_t> BufferArg(const Napi::CallbackInfo &info, size_t index);
void Export(Napi::Object exports, const char *name, Napi::Value (*function)(const Napi::CallbackInfo &));

void InitObject(Napi::Env env, Napi::Object exports);
void InitAttach(Napi::Env env, Napi::Object exports);
void InitInspect(Napi::Env env, Napi::Object exports);
void InitProbe(Napi::Env env, Napi::Object exports);
void InitRing(Napi::Env env, Napi::Object exports);
void InitSocket(Napi::Env env, Napi::Object exports);

}  // namespace havip
