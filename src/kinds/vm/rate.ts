/** The rate of a NIC, as xl reads it: in bytes per second and the interval at which they are handed out. */
import { table } from '../../core/table.ts';

/** What libxlu takes: `10Mb/s`, `1250000B/s@50000us`. */
export const ratePattern = '^[1-9][0-9]*[GMK]?[Bb]/s(@[1-9][0-9]*(s|ms|us|m|u)?)?$';

const most = 4294967295n;
const units: Readonly<Record<string, bigint>> = table({ G: 1_000_000_000n, M: 1_000_000n, K: 1000n });

/**
 * From what libxl keeps. The least rate that hands out as many bytes per interval, so that a rate is the same whether it
 * is read from a cfg or from a running domain.
 */
export const rateOf = (bytesPerInterval: bigint | number, usecs: bigint | number): string => {
  const [bytes, interval] = [BigInt(bytesPerInterval), BigInt(usecs)];
  return `${(bytes * 1_000_000n + interval - 1n) / interval}B/s@${interval}us`;
};

/** `10Mb/s` → `1250000B/s@50000us`; or why it may not be used. */
export const parseRate = (text: string): { readonly rate: string } | { readonly why: string } => {
  const m = /^([1-9]\d*)([GMK]?)([Bb])\/s(?:@([1-9]\d*)([mu]?)s?)?$/.exec(text);
  if (!m)
    return { why: 'write it like 10Mb/s or 500KB/s (G, M, K; b is bits, B bytes), with @20ms for another interval' };
  const [, digits = '', unit = '', letter = '', every, part = ''] = m;
  const perSecond = (BigInt(digits) * (units[unit] ?? 1n)) / (letter === 'b' ? 8n : 1n);
  const scale = part === 'u' ? 1n : part === 'm' ? 1000n : 1_000_000n;
  const usecs = every === undefined ? 50_000n : BigInt(every) * scale;
  if (perSecond > most) return { why: `xl takes at most ${most}B/s` };
  if (usecs > most) return { why: `xl takes an interval of at most ${most}us` };
  const bytes = (perSecond * usecs) / 1_000_000n;
  return bytes === 0n ? { why: 'that is less than one byte per interval' } : { rate: rateOf(bytes, usecs) };
};
