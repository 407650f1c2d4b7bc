// SPDX-License-Identifier: BSD-2-Clause
// Reloads that clients asked for and the control thread has not answered yet.

export class ReloadRequests {
  private readonly waiting = new Map<number, (problems: readonly string[]) => void>();
  private last = 0;

  constructor(private readonly send: (request: number) => void) {}

  /** @returns What is wrong with the file; empty: applied. */
  ask(): Promise<readonly string[]> {
    const request = ++this.last;
    return new Promise((resolve) => {
      this.waiting.set(request, resolve);
      this.send(request);
    });
  }

  /** An answer that nobody waits for (a former worker asked) is nothing. */
  answer(request: number, problems: readonly string[]): void {
    this.waiting.get(request)?.(problems);
    this.waiting.delete(request);
  }
}
