import { expect, test } from 'vitest';
import { parseCpus } from '../../../src/kinds/vm/cpus.ts';

test.each([
  ['all', 'all'],
  ['3', '3'],
  ['0,1', '0-1'],
  ['7,0-2, 3', '0-3,7'],
  ['0-3,2-5,1', '0-5'],
  ['10,9', '9-10'],
  ['0-8191', '0-8191'],
])('%s is %s', (text, cpus) => {
  expect(parseCpus(text)).toEqual({ cpus });
});

test.each(['', '3-1', '^1', 'nodes:0', '0-8192', 'all,1', '0,', '-1', '1.5'])('%s is no set of CPUs', (text) => {
  expect(parseCpus(text)).toEqual({ why: expect.any(String) as string });
});
