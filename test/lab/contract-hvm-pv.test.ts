/** The contract suite on real Xen: HVM and PV. */
import { contract } from '../contract/law.ts';
import { openContract } from './contract-farm.ts';

for (const type of ['hvm', 'pv'] as const) contract('real Xen', type, openContract);
