import {
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { EmbeddedPostgresError, systemCode, USE_ANOTHER, writing } from './error.ts'
import { hasData, makePrivate, makeTrusted, SHARED, shortHash } from './folders.ts'
import { type Owner, runAs } from './run-as.ts'

/** Who runs the server and where it lives. */
export type Place = {
  /** Private to the server's user; holds everything of the server's. */
  readonly root: string
  readonly data: string
  readonly log: string
  readonly owner: Owner | undefined
}

export type PlaceOptions = {
  readonly directory: string
  readonly temporary: boolean
  readonly onNotice: (message: string) => void
}

// `postgres` exists for this. Whatever else runs as `nobody` shares its rights, so that comes last.
const USERS = ['postgres', '_postgres', 'nobody'] as const
const POINTER = 'database-is-elsewhere.txt'

/** Chooses the user and the folder, and makes the folder. */
export async function choosePlace(options: PlaceOptions): Promise<Place> {
  // The real path: one folder has one lock, however it is spelled.
  const directory = writing(options.directory, () => {
    mkdirSync(options.directory, { recursive: true })
    return realpathSync(options.directory)
  })
  const owner = process.getuid?.() === 0 ? await chooseOwner(options, directory) : undefined
  const root = await chooseRoot(directory, owner, options)
  return { root, data: join(root, 'data'), log: join(root, 'server.log'), owner }
}

async function chooseRoot(
  directory: string,
  owner: Owner | undefined,
  { temporary, onNotice }: PlaceOptions,
): Promise<string> {
  if (temporary) return makeFresh(directory, owner)
  const [inside, outside] = foldersOf(directory)
  if (owner === undefined) return makeOurs(inside)
  return await makeReachable({ inside, outside, owner }, onNotice)
}

/** Where the data of this directory may be when root asks: in it, or, where the server's user cannot enter it, outside. */
export function foldersOf(directory: string): readonly [inside: string, outside: string] {
  return [join(directory, 'postgres'), join(SHARED, `cimd-${shortHash(directory)}`, 'postgres')]
}

// A folder of its own, so that what is thrown away is never somebody's data. The server's user must be able to remove it,
// should we be killed: under /var/tmp anybody may remove what is his.
function makeFresh(directory: string, owner: Owner | undefined): string {
  const parent = owner === undefined ? directory : SHARED
  return writing(parent, () => {
    const made = mkdtempSync(join(parent, 'cimd-temporary-'))
    if (owner !== undefined) lchownSync(made, owner.uid, owner.gid)
    return made
  })
}

function makeOurs(root: string): string {
  try {
    makePrivate(root, undefined)
    return root
  } catch (error) {
    throw ofAnotherUser(root) ?? error
  }
}

function ofAnotherUser(root: string): EmbeddedPostgresError | undefined {
  const uid = ownerOf(root)?.uid
  if (uid === undefined || uid === process.getuid?.()) return undefined
  return new EmbeddedPostgresError(
    'not_writable',
    `The database in ${root} belongs to another user (uid ${uid}), as after a start by root: start it as root or as that ` +
      `user, or remove the folder to begin anew, ${USE_ANOTHER}.`,
  )
}

// The server insists that its data belongs to the user it runs as.
async function chooseOwner({ temporary }: PlaceOptions, directory: string): Promise<Owner> {
  for (const root of temporary ? [] : foldersOf(directory).filter(hasData)) {
    const found = ownerOf(join(root, 'data'))
    if (found !== undefined && found.uid !== 0) return { ...found, name: `with uid ${found.uid}` }
  }
  for (const name of USERS) {
    const owner = await idsOf(name)
    if (owner !== undefined) return owner
  }
  throw new EmbeddedPostgresError(
    'no_user',
    `Root must not run PostgreSQL, and this machine has no user ${USERS.join(', ')} to run it instead: start as an ordinary ` +
      `user, ${USE_ANOTHER}.`,
  )
}

type Folders = { readonly inside: string; readonly outside: string; readonly owner: Owner }

async function makeReachable(folders: Folders, onNotice: PlaceOptions['onNotice']): Promise<string> {
  const { inside, outside, owner } = folders
  // Data is never left behind because permissions have changed since.
  if (hasData(outside) && !hasData(inside)) return useOutside(folders)
  makePrivate(inside, owner)
  const entered = await runAs(owner, '/bin/sh', ['-c', 'cd "$0" && test -w .', inside])
  if (entered.ok) return inside
  if (hasData(inside)) {
    throw new EmbeddedPostgresError(
      'not_reachable',
      `Root must not run PostgreSQL, and the user ${owner.name}, who does instead, can no longer enter ${inside}, where ` +
        `the database is: allow it (chmod o+x on every directory above), ${USE_ANOTHER}.`,
    )
  }
  rmdirSync(inside)
  const root = useOutside(folders)
  onNotice(
    `Root must not run PostgreSQL, and the user ${owner.name}, who does instead, cannot enter ${dirname(inside)}: the ` +
      `database is in ${outside}.`,
  )
  return root
}

function useOutside({ inside, outside, owner }: Folders): string {
  makeTrusted(dirname(outside))
  makePrivate(outside, owner)
  const directory = dirname(inside)
  const text =
    `The database of this folder is in ${outside}\n\n` +
    `The server does not run as root, and the user ${owner.name}, who runs it, cannot enter this folder.\n` +
    `Note that some systems remove what nobody has used for 30 days from ${SHARED}.\n`
  writing(directory, () => writeFileSync(join(directory, POINTER), text))
  return outside
}

async function idsOf(name: string): Promise<Owner | undefined> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => {
      const { ok, said } = await runAs(undefined, 'id', [flag, name])
      return ok && /^\d+$/.test(said) ? Number(said) : undefined
    }),
  )
  return uid === undefined || gid === undefined ? undefined : { uid, gid, name }
}

function ownerOf(path: string): { uid: number; gid: number } | undefined {
  try {
    const { uid, gid } = lstatSync(path)
    return { uid, gid }
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}
