// The reader's choices: theme, and the zone of times. They are kept in the browser.
import { useEffect, useState } from 'preact/hooks';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export const ZONES = ['local', 'UTC'] as const;
export type Zone = (typeof ZONES)[number];

const listeners = new Set<() => void>();

// Browsers can forbid the storage, in which case a choice lasts as long as the page.
const memory = new Map<string, string>();

function read(name: string): string | null {
  try {
    return localStorage.getItem(`holdfast.${name}`) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

function write(name: string, value: string): void {
  memory.set(name, value);
  try {
    localStorage.setItem(`holdfast.${name}`, value);
  } catch {
    // The choice is in memory.
  }
  for (const listener of listeners) listener();
}

const one = <T extends string>(all: readonly T[], value: string | null, fallback: T): T =>
  all.find((each) => each === value) ?? fallback;

export const theme = (): Theme => one(THEMES, read('theme'), 'system');
export const timeZone = (): Zone => one(ZONES, read('zone'), 'local');

export function setTheme(value: Theme): void {
  write('theme', value);
  applyTheme();
}

export function setZone(value: Zone): void {
  write('zone', value);
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = theme();
}

// Renders the caller again when a choice changes.
export function usePreferences(): void {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const changed = () => setTurn((turn) => turn + 1);
    listeners.add(changed);
    return () => {
      listeners.delete(changed);
    };
  }, []);
}
