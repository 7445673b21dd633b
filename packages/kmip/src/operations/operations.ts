import { activate } from './activate.ts';
import { addAttribute } from './add-attribute.ts';
import { create } from './create.ts';
import { destroy } from './destroy.ts';
import { discoverVersions } from './discover-versions.ts';
import { get } from './get.ts';
import { getAttributeList } from './get-attribute-list.ts';
import { getAttributes } from './get-attributes.ts';
import { locate } from './locate.ts';
import { query } from './query.ts';
import { revoke } from './revoke.ts';

/** The operations that are understood, by the names of the standard. */
export const operations = {
  Create: create,
  Locate: locate,
  Get: get,
  'Get Attributes': getAttributes,
  'Get Attribute List': getAttributeList,
  'Add Attribute': addAttribute,
  Activate: activate,
  Revoke: revoke,
  Destroy: destroy,
  Query: query,
  'Discover Versions': discoverVersions,
} as const;
