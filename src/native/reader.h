// SPDX-License-Identifier: BSD-2-Clause
// A descriptor on Node's loop and the JavaScript function that hears of it. Shared by ring buffer and sockets;
// knows nothing of what is read.
#pragma once

#include <uv.h>

#include "support.h"

namespace havip {

class Reader {
 public:
  Reader() = default;
  virtual ~Reader() { StopReading(); }
  Reader(const Reader &) = delete;
  Reader &operator=(const Reader &) = delete;

 protected:
  /** fd stays the caller's, and open until StopReading(). */
  void StartReading(Napi::Env env, int fd, Napi::Function callback);
  void StopReading();
  bool Reading() const { return handle_ != nullptr; }
  void KeepLoopAlive(bool alive);

  /** Calls the function; what it throws becomes an uncaughtException, and the reader goes on. */
  void Emit(Napi::Env env, Napi::Object self, std::initializer_list<napi_value> arguments);

  /** Read all there is, within reason: the loop comes back while something is left. */
  virtual void OnReadable() = 0;

  /** The environment ends: let go of everything. */
  virtual void OnTeardown() = 0;

 private:
  struct Handle;
  static void OnPoll(uv_poll_t *poll, int status, int events);
  static void OnClosed(uv_handle_t *handle);
  static void OnCleanup(napi_async_cleanup_hook_handle hook, void *data);

  Handle *handle_ = nullptr;
  Napi::FunctionReference callback_;
};

}  // namespace havip
