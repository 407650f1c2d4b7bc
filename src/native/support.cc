// SPDX-License-Identifier: BSD-2-Clause
// Errors, arguments and descriptors for the rest of the addon; see support.h.
#include "support.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <vector>

namespace havip {

namespace {

thread_local LibbpfLog *current_log = nullptr;
thread_local std::string *current_text = nullptr;

int Print(enum libbpf_print_level level, const char *format, va_list args) {
  if (current_text == nullptr || level == LIBBPF_DEBUG) return 0;
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(nullptr, 0, format, args);
  if (length > 0) {
    std::vector<char> line(static_cast<size_t>(length) + 1);
    vsnprintf(line.data(), line.size(), format, again);
    current_text->append(line.data(), static_cast<size_t>(length));
  }
  va_end(again);
  return length;
}

/** "EBUSY"; libbpf's own numbers (4000 and up) have no name of errno's kind. */
std::string CodeName(int error) {
  if (error >= __LIBBPF_ERRNO__START) return "ELIBBPF";
  const char *name = strerrorname_np(error);
  return name == nullptr ? "E" + std::to_string(error) : name;
}

std::string Reason(int error) {
  char text[256] = "";
  libbpf_strerror(error, text, sizeof text);
  return text;
}

}  // namespace

int Fd::Release() {
  int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

LibbpfLog::LibbpfLog() : outer_(current_log) {
  current_log = this;
  current_text = &text_;
}

LibbpfLog::~LibbpfLog() {
  current_log = outer_;
  current_text = outer_ == nullptr ? nullptr : &outer_->text_;
}

void LibbpfLog::Install() { libbpf_set_print(Print); }

Napi::Error MakeError(Napi::Env env, int error, const char *syscall, const std::string &subject,
                      const std::string &log) {
  std::string message = std::string(syscall) + " " + subject + ": " + Reason(error);
  Napi::Error made = Napi::Error::New(env, message);
  made.Set("code", Napi::String::New(env, CodeName(error)));
  made.Set("errno", Napi::Number::New(env, error));
  made.Set("syscall", Napi::String::New(env, syscall));
  if (!log.empty()) made.Set("log", Napi::String::New(env, log));
  return made;
}

void Throw(Napi::Env env, int error, const char *syscall, const std::string &subject, const std::string &log) {
  throw MakeError(env, error, syscall, subject, log);
}

int CheckBpf(Napi::Env env, int result, const char *syscall, const std::string &subject, const std::string &log) {
  if (result < 0) Throw(env, -result, syscall, subject, log);
  return result;
}

int CheckSys(Napi::Env env, int result, const char *syscall, const std::string &subject) {
  if (result < 0) Throw(env, errno, syscall, subject);
  return result;
}

int Duplicate(Napi::Env env, int fd) {
  return CheckSys(env, fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl", "duplicate of fd " + std::to_string(fd));
}

int IntArg(const Napi::CallbackInfo &info, size_t index) {
  if (!info[index].IsNumber()) {
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index + 1) + " must be a number");
  }
  return info[index].As<Napi::Number>().Int32Value();
}

std::string StringArg(const Napi::CallbackInfo &info, size_t index) {
  if (!info[index].IsString()) {
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index + 1) + " must be a string");
  }
  return info[index].As<Napi::String>().Utf8Value();
}

Napi::Buffer<uint8_t> BufferArg(const Napi::CallbackInfo &info, size_t index) {
  if (!info[index].IsBuffer()) {
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index + 1) + " must be a Buffer");
  }
  return info[index].As<Napi::Buffer<uint8_t>>();
}

void Export(Napi::Object exports, const char *name, Napi::Value (*function)(const Napi::CallbackInfo &)) {
  exports.Set(name, Napi::Function::New(exports.Env(), function, name));
}

}  // namespace havip
