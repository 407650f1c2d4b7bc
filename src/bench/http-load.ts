// SPDX-License-Identifier: BSD-2-Clause
// node http-load.js URL MS: asks for it again and again over one connection, each time when the answer to the last is
// there whole. Prints how many answers came, and the milliseconds that they took, when both ends had become warm.
import { Agent, get } from 'node:http';

const [, , url = '', forMs] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function ask(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: 5000 }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${response.statusCode}`));
      response.resume().on('end', resolve);
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer in time')));
  });
}

async function askFor(ms: number): Promise<{ answers: number; ms: number }> {
  const began = performance.now();
  let answers = 0;
  for (; performance.now() < began + ms; answers++) await ask();
  return { answers, ms: performance.now() - began };
}

await askFor(Number(forMs) / 2);
console.log(JSON.stringify(await askFor(Number(forMs))));
agent.destroy();
