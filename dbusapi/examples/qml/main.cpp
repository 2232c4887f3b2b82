/* SPDX-License-Identifier: Apache-2.0 */
#include "plexauth.h"

#include <QCommandLineParser>
#include <QGuiApplication>
#include <QDBusError>
#include <QQmlApplicationEngine>

namespace {
QDBusConnection busNamed(const QString &name)
{
    if (name == QLatin1String("system"))
        return QDBusConnection::systemBus();
    if (name == QLatin1String("session"))
        return QDBusConnection::sessionBus();
    return QDBusConnection::connectToBus(name, QStringLiteral("plexauth"));
}
}

int main(int argc, char **argv)
{
    QGuiApplication application(argc, argv);
    QCommandLineParser options;
    options.addHelpOption();
    options.addOptions({{"bus", "system, session or an address", "name", "system"},
                        {"again", "seconds until what failed is tried again", "seconds", "5"},
                        {"watch", "keep watching after the sign-in"},
                        {"with-token", "print the token, which gives access to the account"}});
    options.process(application);

    const QDBusConnection bus = busNamed(options.value("bus"));
    if (!bus.isConnected()) {
        qCritical("signin: no connection to the bus: %s", qPrintable(bus.lastError().message()));
        return 1;
    }
    PlexAuth plex(bus);
    QQmlApplicationEngine engine;
    engine.setInitialProperties({{"plex", QVariant::fromValue<QObject *>(&plex)},
                                 {"again", options.value("again").toInt()},
                                 {"watch", options.isSet("watch")}, {"withToken", options.isSet("with-token")}});
    engine.load(QUrl(QStringLiteral("qrc:/Main.qml")));
    return engine.rootObjects().isEmpty() ? 1 : application.exec();
}
