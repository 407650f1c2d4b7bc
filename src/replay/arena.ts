// SPDX-License-Identifier: BSD-2-Clause
// The very programs of the fast path with maps of their own, attached to nothing: a frame goes in by a port and what
// became of it is read back. One untagged subnet, open to every port. The move budget is left open, since a test run
// takes the time of now and not that of a capture.
import { fromRow } from '../control/bindings.js';
import type { Binding } from '../holders/rules.js';
import { FastPath } from '../kernel/fast-path.js';
import { POLICY_FLAGS, PORT_KIND, type Key } from '../kernel/layout.gen.js';
import { closeTables, openTables, sizeMaps, type Tables } from '../kernel/maps.js';
import { PortRows } from '../kernel/port-rows.js';
import { placeHavips } from '../kernel/steering.js';
import { addressBytes } from '../net/addresses.js';
import { closeFd, testRun } from '../native/index.js';

/** What a test run without a device says it came in by. */
const LOOPBACK = 1;
const BRIDGE = 2;
const SUBNET = 1;
/** A binding needs a row; the kernel has none smaller than one page of ring. */
const CAPACITY = { havips: 256, ports: 1024 };
const NOBODY = { mac: new Uint8Array(6), port: 0 };
const XDP_DROP = 1;
const XDP_PASS = 2;

export interface Outcome {
  readonly fate: 'pass' | 'drop' | 'redirect';
  /** The frame as it left. */
  readonly frame: Buffer;
}

/** Of every port: no capture has a longer frame. */
export const ARENA_MTU_BYTES = 65_535;

export class Arena {
  private readonly tables: Tables;
  private readonly program: number;
  private readonly ports: PortRows;
  private readonly keys = new Map<string, Key>();
  private present = 0;

  /** @param havips Canonical addresses. Errors: those of the kernel, which wants CAP_BPF. */
  constructor(havips: readonly string[]) {
    const object = new FastPath(['xdp']);
    let command: number;
    try {
      sizeMaps(object, CAPACITY);
      object.load();
      this.tables = openTables((name) => object.mapFd(name));
      this.program = object.programFd('havip_xdp');
      command = object.programFd('havip_command');
      this.ports = new PortRows(this.tables);
    } finally {
      object.close();
    }
    havips.forEach((address, havip) => this.addHavip(address, havip));
    placeHavips(command, havips.keys());
    closeFd(command);
  }

  /** @param slot 1 and up; must have been added. */
  run(frame: Buffer, slot: number): Outcome {
    this.enter(slot);
    const { action, data } = testRun(this.program, frame);
    const fate = action === XDP_DROP ? 'drop' : action === XDP_PASS ? 'pass' : 'redirect';
    return { fate, frame: data };
  }

  binding(address: string): Binding | null {
    const key = this.keys.get(address);
    const row = key && this.tables.bindings.get(key);
    return row ? fromRow(row) : null;
  }

  addPort(slot: number): void {
    const target = {
      ifindex: LOOPBACK,
      mtu: ARENA_MTU_BYTES,
      kind: PORT_KIND.VNIC,
      flags: 0,
      generation: 1,
      bridge: BRIDGE,
    };
    this.tables.targets.set(slot, { ...target, name: Buffer.alloc(16), mac: Buffer.alloc(6), reserved: 0 });
  }

  close(): void {
    closeTables(this.tables);
    closeFd(this.program);
  }

  private addHavip(address: string, havip: number): void {
    const key = { subnet: SUBNET, address: addressBytes(address) };
    const flags = POLICY_FLAGS.OPEN | POLICY_FLAGS.REBIND_KERNEL;
    this.tables.havips.set(havip, {
      key,
      flags,
      windowNs: 1n,
      moves: 1,

      serviceMac: new Uint8Array(6),
    });
    this.tables.bindings.set(key, {
      holder: NOBODY,
      former: NOBODY,
      sinceNs: 0n,
      havip,
      moves: 0,
      by: 0,
      reserved: 0,
    });
    this.keys.set(address, key);
  }

  private enter(slot: number): void {
    if (this.present === slot) return;
    const port = {
      slot,
      subnet: SUBNET,
      bridge: BRIDGE,
      kind: PORT_KIND.VNIC,
      learnEveryNs: 0n,
      generation: 1,
      flags: 0,
    };
    this.ports.set(LOOPBACK, port);
    this.present = slot;
  }
}
