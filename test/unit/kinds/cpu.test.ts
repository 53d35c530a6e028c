/** CPU features that a VM runs without, and those that it would lose elsewhere. */
import { expect, it } from 'vitest';
import { featuresLost, featureText, maskedBy } from '../../../src/kinds/vm/cpu.ts';

it.each([
  ['host,avx2=0,avx512-vnni=0', ['avx2', 'avx512-vnni']],
  // Only a feature that is surely gone counts.
  ['host,avx=1,aes=x,sse4.1=k,family=6', []],
  ['hostile,avx2=0', []],
  [['0x1:ecx=0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'], []],
  [undefined, []],
])('of cpuid = %j', (value, masked) => {
  expect(maskedBy(value === undefined ? [] : [{ key: 'cpuid', value }])).toEqual(masked);
});

it('are those that the other lacks and no mask took; of a server that did not tell, none', () => {
  expect(featuresLost(['aes', 'avx', 'avx2'], ['aes'])).toEqual(['avx', 'avx2']);
  expect(featuresLost(['aes', 'avx', 'avx2'], ['aes'], ['avx2'])).toEqual(['avx']);
  expect([
    featuresLost(undefined, []),
    featuresLost(['aes'], undefined),
    featuresLost(['aes'], ['aes', 'avx']),
  ]).toEqual([[], [], []]);
});

it('are counted where they are many', () => {
  expect([featureText(['a', 'b']), featureText('abcdefgh'.split(''))]).toEqual(['a, b', 'a, b, c, d, e, f and 2 more']);
});
