// SPDX-License-Identifier: BSD-2-Clause
// node announce-ports.js PORTS HAVIPS: the stations behind the ports p0, p1, ... of this network namespace, at their
// cables' far ends p0x, p1x, ..., announce the HAVIPs by turns, each by a MAC of its own.
import { announcement } from '../lab/frames.js';
import { ifNameToIndex, PacketSocket } from '../native/index.js';
import { addressOf } from './host.js';

const ETHERTYPE_ARP = 0x0806;
const [, , ports = '0', havips = '0'] = process.argv;

for (let port = 0; port < Number(ports); port++) {
  const socket = new PacketSocket(ifNameToIndex(`p${port}x`), ETHERTYPE_ARP, null);
  const mac = `02:00:00:01:${hex(port >> 8)}:${hex(port & 255)}`;
  for (let havip = port; havip < Number(havips); havip += Number(ports))
    socket.send(Buffer.from(announcement(addressOf(havip), mac, 'request'), 'hex'));
  socket.close();
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
