/** Sizes and durations as people write them, and back: memory and disks in KiB, time in milliseconds. */
import { table } from './table.ts';

const sizeUnits: Readonly<Record<string, number>> = table({
  KiB: 1,
  MiB: 1024,
  GiB: 1024 ** 2,
  TiB: 1024 ** 3,
});
const timeUnits: Readonly<Record<string, number>> = table({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 });

export type Parsed = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly why: string };

const parse = (text: unknown, units: Readonly<Record<string, number>>, example: string): Parsed => {
  const known = Object.keys(units).join(', ');
  if (typeof text === 'number') return { ok: false, why: `a unit is missing: write ${text}${example} (${known})` };
  const m = typeof text === 'string' ? /^(\d+(?:\.\d+)?) ?([A-Za-z]+)?$/.exec(text) : null;
  if (!m) return { ok: false, why: `not a quantity: write a number and a unit, like 1${example} (${known})` };
  const unit = m[2];
  if (unit === undefined) return { ok: false, why: `a unit is missing: write ${m[1]}${example} (${known})` };
  const factor = units[unit];
  if (factor === undefined) return { ok: false, why: `no such unit: ${unit} (${known})` };
  const value = Number(m[1]) * factor;
  if (!Number.isSafeInteger(value)) return { ok: false, why: `not a whole number of ${Object.keys(units)[0]}` };
  return { ok: true, value };
};

/** `1GiB` → 1048576 (KiB). A bare number is refused: the unit is never guessed. */
export const parseSize = (text: unknown): Parsed => parse(text, sizeUnits, 'GiB');

/** `60s` → 60000 (ms). */
export const parseDuration = (text: unknown): Parsed => parse(text, timeUnits, 's');

/** 1048576 (KiB) → `1GiB`: the largest unit that leaves a whole number. */
export const formatSize = (kib: number): string => {
  for (const unit of ['TiB', 'GiB', 'MiB'] as const) {
    const factor = sizeUnits[unit] ?? 1;
    if (kib !== 0 && kib % factor === 0) return `${kib / factor}${unit}`;
  }
  return `${kib}KiB`;
};

/** 92000 (ms) → `1 min 32 s`: for people, rounded up to a second, since nobody is thankful for a time told too short. */
export const formatDuration = (ms: number): string => {
  const s = Math.ceil(ms / 1000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 === 0 ? `${m} min` : `${m} min ${s % 60} s`;
  return m % 60 === 0 ? `${Math.floor(m / 60)} h` : `${Math.floor(m / 60)} h ${m % 60} min`;
};

/** The same as a file or an option has it: 120000 (ms) → `2m`. */
export const durationWord = (ms: number): string =>
  ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : ms % 60_000 === 0 ? `${ms / 60_000}m` : `${Math.ceil(ms / 1000)}s`;
