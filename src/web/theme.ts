// SPDX-License-Identifier: BSD-2-Clause
// Light or dark before the first paint: what was chosen here last, else what the system prefers. No module: it runs
// before the page is drawn.
{
  const KEY = 'havip-theme';

  const remembered = (): string | null => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
      return null;
    }
  };

  const remember = (theme: string): void => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // As above.
    }
  };

  const system = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const preferred = (): string => (system.matches ? 'dark' : 'light');

  const apply = (theme: string): void => {
    root.dataset.theme = theme;
    const button = document.getElementById('theme');
    if (button) button.textContent = theme === 'dark' ? '☀ Light' : '☾ Dark';
    dispatchEvent(new Event('havip-theme'));
  };

  apply(remembered() ?? preferred());
  system.addEventListener('change', () => {
    if (remembered() === null) apply(preferred());
  });
  addEventListener('DOMContentLoaded', () => {
    apply(root.dataset.theme ?? preferred());
    document.getElementById('theme')?.addEventListener('click', () => {
      const theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
      remember(theme);
      apply(theme);
    });
  });
}
