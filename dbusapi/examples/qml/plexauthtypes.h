/* SPDX-License-Identifier: Apache-2.0 */
// The types that the interface's XML names for qdbusxml2cpp, for who would rather
// have a generated proxy than plexauth.h:
//
//     qdbusxml2cpp -N -i plexauthtypes.h -p proxy tv.retune.PlexAuth1.xml
//
// Call plexAuthRegisterTypes() once before the first call.
#pragma once

#include <QDBusArgument>
#include <QDBusMetaType>
#include <QMap>
#include <QVariantMap>

struct PlexAuthPin {
    qulonglong id = 0; // 0: no pairing is under way
    QString code, linkUri, authUri;
    qlonglong expiresAt = 0; // seconds since the epoch
};
Q_DECLARE_METATYPE(PlexAuthPin)

struct PlexAuthServer {
    QString machineId, uri;
};
Q_DECLARE_METATYPE(PlexAuthServer)

using PlexAuthHeaders = QMap<QString, QString>;
using PlexAuthDictionaries = QList<QVariantMap>;

inline QDBusArgument &operator<<(QDBusArgument &to, const PlexAuthPin &pin)
{
    to.beginStructure();
    to << pin.id << pin.code << pin.linkUri << pin.authUri << pin.expiresAt;
    to.endStructure();
    return to;
}

inline const QDBusArgument &operator>>(const QDBusArgument &from, PlexAuthPin &pin)
{
    from.beginStructure();
    from >> pin.id >> pin.code >> pin.linkUri >> pin.authUri >> pin.expiresAt;
    from.endStructure();
    return from;
}

inline QDBusArgument &operator<<(QDBusArgument &to, const PlexAuthServer &server)
{
    to.beginStructure();
    to << server.machineId << server.uri;
    to.endStructure();
    return to;
}

inline const QDBusArgument &operator>>(const QDBusArgument &from, PlexAuthServer &server)
{
    from.beginStructure();
    from >> server.machineId >> server.uri;
    from.endStructure();
    return from;
}

inline void plexAuthRegisterTypes()
{
    qDBusRegisterMetaType<PlexAuthPin>();
    qDBusRegisterMetaType<PlexAuthServer>();
    qDBusRegisterMetaType<PlexAuthHeaders>();
    qDBusRegisterMetaType<PlexAuthDictionaries>();
}
