import { expect, test } from 'vitest';
import { parseRate, rateOf } from '../../../src/kinds/vm/rate.ts';

test.each([
  ['10Mb/s', '1250000B/s@50000us'],
  ['1GB/s@20ms', '1000000000B/s@20000us'],
  ['500KB/s@1s', '500000B/s@1000000us'],
  ['8000b/s@2', '1000B/s@2000000us'],
  ['1250000B/s@50000us', '1250000B/s@50000us'],
  ['34359738240b/s', '4294967280B/s@50000us'],
  // Whole bytes per interval: 6 in 50 ms.
  ['1000b/s', '120B/s@50000us'],
  ['10B/s@300ms', '10B/s@300000us'],
])('%s is %s', (text, rate) => {
  expect(parseRate(text)).toEqual({ rate });
  expect(parseRate(rate)).toEqual({ rate });
});

test.each(['10mb/s', '10kB/s', '10Mb', '10 Mb/s', '0B/s', '010B/s', '5B/s@0s', '', '1B/s@1us', '40Gb/s', '1B/s@4295s'])(
  '%s is no rate',
  (text) => {
    expect(parseRate(text)).toEqual({ why: expect.any(String) as string });
  },
);

test('what a running domain has is what its cfg said', () => {
  expect(rateOf(62_500, 50_000)).toBe('1250000B/s@50000us');
  expect(rateOf(1, 300_000)).toBe('4B/s@300000us');
  expect(parseRate('4B/s@300000us')).toEqual({ rate: '4B/s@300000us' });
});
