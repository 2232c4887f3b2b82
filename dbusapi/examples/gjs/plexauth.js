// SPDX-License-Identifier: Apache-2.0

// plexauthd for frontends written for GJS: who is signed in to Plex on this box.
// Copy this file and import it.
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';

Gio._promisify(Gio.DBusConnection.prototype, 'call', 'call_finish');
Gio._promisify(Gio.DBusConnection, 'new_for_address', 'new_for_address_finish');
Gio._promisify(Gio, 'bus_get', 'bus_get_finish');

const NAME = 'tv.retune.PlexAuth1';
const PATH = '/tv/retune/PlexAuth1';
const TIMEOUT = 30000; // milliseconds; where plex.tv is asked, plexauthd answers within 20 s

/** Which failure it was: the last part of the error's name on the bus, such as
 * Unreachable, AccessDenied or NoReply; NotRunning if there is no plexauthd. */
export function codeOf(error) {
    // The time-out is GLib's own.
    if (error instanceof GLib.Error && error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT))
        return 'NoReply';
    const name = error instanceof GLib.Error ? Gio.DBusError.get_remote_error(error) : null;
    const code = name?.split('.').pop() ?? 'Failed';
    const absent = ['ServiceUnknown', 'NameHasNoOwner'].includes(code) || name?.includes('.Spawn.');
    return absent ? 'NotRunning' : code;
}

function pairing([id, code, linkUri, authUri, expiresAt]) {
    return {id, code, linkUri, authUri, expiresAt};
}

export class PlexAuth {
    /** Connects to the bus 'system', 'session' or of an address. plexauthd does not have to run. */
    static async connect(bus = 'system') {
        const types = {system: Gio.BusType.SYSTEM, session: Gio.BusType.SESSION};
        if (bus in types)
            return new PlexAuth(await Gio.bus_get(types[bus], null));
        const flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION;
        return new PlexAuth(await Gio.DBusConnection.new_for_address(bus, flags, null, null));
    }

    constructor(connection) {
        connection.set_exit_on_close(false); // watch() tells
        this._connection = connection;
    }

    /** Yields {authenticated, state, pin} at once and after every change, or null
     * while no plexauthd is on the bus. It reads again after each signal, so that
     * nothing is missed; the same status can come twice. It also comes after so
     * many seconds of silence, for who wants to try again what failed. Throws when
     * the bus goes. */
    async *watch(seconds) {
        let heard = false, wake = () => {};
        const hear = () => {
            heard = true;
            wake();
        };
        const subscriptions = this._subscribe(hear);
        const closed = this._connection.connect('closed', hear);
        try {
            for (let flags = Gio.DBusCallFlags.NONE; ; flags = Gio.DBusCallFlags.NO_AUTO_START) {
                heard = false;
                yield await this._read(flags);
                if (!heard)
                    await silence(seconds, wakeNow => (wake = wakeNow));
                if (this._connection.is_closed())
                    throw new Error('the connection to the bus has ended');
            }
        } finally {
            subscriptions.forEach(each => this._connection.signal_unsubscribe(each));
            this._connection.disconnect(closed);
        }
    }

    /** Starts pairing, or gives the pairing under way. */
    async requestPin() {
        return pairing(await this._call(NAME, 'RequestPin'));
    }

    /** Who uses the box: {title, username, ...}. Empty when nobody is signed in. */
    async currentUser() {
        return (await this._call(`${NAME}.Credentials`, 'GetCurrentUser'))[0];
    }

    /** The token. Ask each time instead of keeping it. */
    async token() {
        return (await this._call(`${NAME}.Credentials`, 'GetToken'))[0];
    }

    // No matter who sent it: it only makes us read, and what is read is plexauthd's
    // own.
    _subscribe(hear) {
        const bus = 'org.freedesktop.DBus', none = Gio.DBusSignalFlags.NONE;
        return [
            this._connection.signal_subscribe(null, null, null, PATH, null, none, hear),
            this._connection.signal_subscribe(bus, bus, 'NameOwnerChanged', null, NAME, none, hear),
        ];
    }

    async _read(flags) {
        try {
            const [values] = await this._call('org.freedesktop.DBus.Properties', 'GetAll',
                new GLib.Variant('(s)', [NAME]), flags);
            const pin = pairing(values.Pin);
            return {authenticated: values.Authenticated, state: values.State, pin: pin.id ? pin : null};
        } catch (error) {
            // NoReply: it has just ended, and the bus tells when it is back. Or it
            // answers nothing.
            if (['NotRunning', 'NoReply'].includes(codeOf(error)))
                return null;
            throw error;
        }
    }

    async _call(iface, member, parameters = null, flags = Gio.DBusCallFlags.NONE) {
        const answer = await this._connection.call(NAME, PATH, iface, member, parameters, null, flags, TIMEOUT, null);
        return answer.recursiveUnpack();
    }
}

/** Ends after so many seconds, or when what it gives to started is called. */
function silence(seconds, started) {
    return new Promise(resolve => {
        let timer = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, seconds, () => {
            timer = 0;
            resolve();
            return GLib.SOURCE_REMOVE;
        });
        started(() => {
            if (timer)
                GLib.source_remove(timer);
            timer = 0;
            resolve();
        });
    });
}
