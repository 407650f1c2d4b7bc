// SPDX-License-Identifier: BSD-2-Clause
// The rows by which programs know the port that a frame came in by: all of them in a hash, and one of each ifindex
// modulo the array's size in an array, where no packet has to wait for a hash.
import { LIMITS, PORT_FLAGS, type Port } from './layout.gen.js';
import type { Tables } from './maps.js';

const NO_PORT: Port = {
  slot: 0,
  subnet: 0,
  bridge: 0,
  kind: 0,
  learnEveryNs: 0n,
  generation: 0,
  flags: 0,
};

export class PortRows {
  constructor(private readonly maps: Pick<Tables, 'ports' | 'near_ports'>) {}

  /** As the loader wrote it, and with the flag that programs set themselves. */
  get(ifindex: number): Port | undefined {
    const row = this.maps.ports.get(ifindex);
    const near = this.maps.near_ports.get(placeOf(ifindex));
    if (!row || near?.ifindex !== ifindex) return row;
    return { ...row, flags: row.flags | (near.port.flags & PORT_FLAGS.HOLDS) };
  }

  set(ifindex: number, port: Port): void {
    this.maps.ports.set(ifindex, port);
    const taken = this.maps.near_ports.get(placeOf(ifindex))?.ifindex ?? 0;
    if (taken === 0 || taken === ifindex)
      this.maps.near_ports.set(placeOf(ifindex), { port, ifindex, reserved: 0 });
  }

  delete(ifindex: number): void {
    if (this.maps.near_ports.get(placeOf(ifindex))?.ifindex === ifindex)
      this.maps.near_ports.set(placeOf(ifindex), { port: NO_PORT, ifindex: 0, reserved: 0 });
    this.maps.ports.delete(ifindex);
  }
}

const placeOf = (ifindex: number): number => ifindex % LIMITS.NEAR_PORTS;
