// SPDX-License-Identifier: BSD-2-Clause
// Next hops whose MAC the kernel does not know yet: XDP can neither ask nor wait, so that it drops and leaves a note,
// and the kernel is made to ask here.
import { NetlinkSocket } from '../native/index.js';
import type { Tables } from '../kernel/maps.js';
import { NETLINK_ROUTE, solicit } from '../net/neighbours.js';

export class Resolver {
  private socket: NetlinkSocket | null = null;

  constructor(
    private readonly unresolved: Tables['unresolved'],
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** What was noted since the last time. */
  resolve(): void {
    for (const [key, ifindex] of [...this.unresolved.entries()]) {
      this.unresolved.delete(key);
      try {
        this.socket ??= open();
        this.socket.send(solicit(ifindex, key.address));
      } catch (error) {
        this.onFailure(error as Error);
      }
    }
  }

  close(): void {
    this.socket?.close();
    this.socket = null;
  }
}

/** What it answers are refusals of devices that have gone. */
function open(): NetlinkSocket {
  const socket = new NetlinkSocket(NETLINK_ROUTE, [], () => undefined);
  socket.unref();
  return socket;
}
