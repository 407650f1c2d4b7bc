// SPDX-License-Identifier: BSD-2-Clause
// uv_poll with the life cycle that N-API needs: the handle outlives its owner until libuv has let go of it, and a
// worker that is terminated closes it first.
#include "reader.h"

namespace havip {

struct Reader::Handle {
  uv_poll_t poll;
  Reader *reader;  // null from the moment it is being closed
  napi_async_cleanup_hook_handle hook;
};

void Reader::StartReading(Napi::Env env, int fd, Napi::Function callback) {
  uv_loop_t *loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  Handle *handle = new Handle{{}, this, nullptr};
  int error = uv_poll_init(loop, &handle->poll, fd);
  if (error != 0) {
    delete handle;
    Throw(env, -error, "uv_poll_init", "fd " + std::to_string(fd));
  }
  handle->poll.data = handle;
  napi_add_async_cleanup_hook(env, OnCleanup, handle, &handle->hook);
  uv_poll_start(&handle->poll, UV_READABLE, OnPoll);
  callback_ = Napi::Persistent(callback);
  handle_ = handle;
}

void Reader::StopReading() {
  if (handle_ == nullptr) return;
  Handle *handle = handle_;
  handle_ = nullptr;
  handle->reader = nullptr;
  callback_.Reset();
  uv_close(reinterpret_cast<uv_handle_t *>(&handle->poll), OnClosed);
}

void Reader::KeepLoopAlive(bool alive) {
  if (handle_ == nullptr) return;
  uv_handle_t *handle = reinterpret_cast<uv_handle_t *>(&handle_->poll);
  if (alive) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void Reader::Emit(Napi::Env env, Napi::Object self, std::initializer_list<napi_value> arguments) {
  if (handle_ == nullptr) return;
  napi_value result = nullptr;
  napi_status status = napi_make_callback(env, nullptr, self, callback_.Value(), arguments.size(), arguments.begin(),
                                          &result);
  if (status != napi_pending_exception) return;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

void Reader::OnPoll(uv_poll_t *poll, int status, int) {
  Handle *handle = static_cast<Handle *>(poll->data);
  if (handle->reader == nullptr) return;
  // libuv stops a watcher whose socket has an error pending (a netlink overrun, a device that went down): the read
  // fetches and clears that error, so reading goes on.
  if (status < 0) uv_poll_start(poll, UV_READABLE, OnPoll);
  try {
    handle->reader->OnReadable();
  } catch (const Napi::Error &) {
    // A worker that is being terminated runs no JavaScript any more, and has no caller who could be told; its clean-up
    // is on its way.
  }
}

void Reader::OnClosed(uv_handle_t *closed) {
  Handle *handle = static_cast<Handle *>(closed->data);
  napi_remove_async_cleanup_hook(handle->hook);
  delete handle;
}

void Reader::OnCleanup(napi_async_cleanup_hook_handle, void *data) {
  Handle *handle = static_cast<Handle *>(data);
  if (handle->reader != nullptr) handle->reader->OnTeardown();
}

}  // namespace havip
