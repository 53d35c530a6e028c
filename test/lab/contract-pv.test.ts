/** The contract suite on real Xen: PV. */
import { contract } from '../contract/law.ts';
import { openContract } from './contract-farm.ts';

contract('real Xen', 'pv', openContract);
